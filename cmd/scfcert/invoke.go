package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	samplefunctions "github.com/scfcert/scfcert/sample-functions"
	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/report"
)

// request is what --method and its like make.
type request struct {
	method, data string
	headers      []string
	include      bool
}

func invokeCommand(code *int) *cobra.Command {
	var function functionFlags
	var lang language
	var web request
	cmd := &cobra.Command{
		Use:   "invoke [IMAGE]",
		Short: "Start an image as SCF does, and send it one event or HTTP request",
		Long: `Start an image as SCF does and send it one event, or one HTTP request. The function's answer goes to stdout, its log to
stderr. Without --type an HTTP request is sent where --method, --path, --header or --data say so, and an event otherwise.

Exit codes: 0 success, 1 the function failed (a status of the platform other than 200, an event not answered with 2xx, an
HTTP request answered with 5xx), 2 we failed, 64 wrong usage.`,
		Example: "  scfcert invoke my-function:1 --event=cos\n  echo '{\"a\":1}' | scfcert invoke my-function:1 --event=-\n  scfcert invoke my-function:1 --type=http --method=POST --path=/x --header='Content-Type: text/plain' --data=hello",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := function.options(cmd, args)
			if err != nil {
				return err
			}
			if opts.Type == suite.TypeAuto {
				opts.Type = suite.TypeEvent
				if slices.ContainsFunc([]string{"method", "path", "header", "data"}, cmd.Flags().Changed) {
					opts.Type = suite.TypeHTTP
				}
			}
			sent, err := web.read(opts)
			if err != nil {
				return err
			}
			failed, err := invoke(cmd.Context(), opts, sent, &function, &lang, web.include)
			if err != nil {
				return sortError(err)
			}
			if failed {
				*code = report.ExitNonConformant
			}
			return nil
		},
	}
	function.bind(cmd, suite.BindRequest)
	cmd.Flags().StringVar(&web.method, "method", "", "`method` of the HTTP request (default GET, or POST with --data)")
	cmd.Flags().StringArrayVarP(&web.headers, "header", "H", nil, "`header` of the HTTP request as 'Name: value'; may be repeated")
	cmd.Flags().StringVarP(&web.data, "data", "d", "", "`body` of the HTTP request; @FILE reads a file, @- standard input")
	cmd.Flags().BoolVarP(&web.include, "include", "i", false, "print status and headers of the answer too")
	lang.bind(cmd)
	return cmd
}

// read makes the HTTP request that is sent.
func (q *request) read(opts suite.Options) (mockplatform.Request, error) {
	sent := mockplatform.Request{Method: q.method, Target: opts.Path, Header: http.Header{}, Body: []byte(q.data)}
	for _, header := range q.headers {
		name, value, found := strings.Cut(header, ":")
		if !found || name == "" {
			return sent, fmt.Errorf("%w: --header %q: write it as 'Name: value'", suite.ErrUsage, header)
		}
		sent.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if file, ok := strings.CutPrefix(q.data, "@"); ok {
		source := io.Reader(os.Stdin)
		if file != "-" {
			opened, err := os.Open(file)
			if err != nil {
				return sent, fmt.Errorf("%w: --data: %w; name a file that can be read", suite.ErrUsage, err)
			}
			defer func() { _ = opened.Close() }()
			source = opened
		}
		body, err := io.ReadAll(io.LimitReader(source, contract.MaxEventBytes+1))
		if err != nil {
			return sent, fmt.Errorf("%w: --data %s: %w", suite.ErrUsage, q.data, err)
		}
		sent.Body = body
	}
	if sent.Method == "" && q.data != "" {
		sent.Method = http.MethodPost
	}
	return sent, nil
}

// invoke does it, and tells whether the function failed.
func invoke(ctx context.Context, opts suite.Options, sent mockplatform.Request, function *functionFlags, lang *language, include bool) (failed bool, err error) {
	watch, err := watchSelf()
	if err != nil {
		return false, err
	}
	readings, err := opts.ReadingsInForce()
	if err != nil {
		return false, fmt.Errorf("%w: %w", suite.ErrUsage, err)
	}
	p, err := mockplatform.Open(ctx, mockplatform.Options{WatchCommand: watch, Readings: &readings, Logger: function.logger(os.Stderr)})
	if err != nil {
		return false, err //nolint:wrapcheck // it says all
	}
	defer func() { err = errors.Join(err, p.Close(ctx)) }()
	candidate, err := samplefunctions.Resolve(ctx, p, opts.Image, nil)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, candidate.Close()) }()
	f, err := p.Deploy(ctx, spec(opts, mockplatform.Type(opts.Type), candidate))
	if err != nil {
		return false, err //nolint:wrapcheck // it says all
	}
	results, err := send(ctx, f, opts, sent)
	for _, result := range results {
		failed = failed || result.Failed()
		printResult(p, result, lang, include)
	}
	return failed, err
}

// send sends the events one after the other, or the request.
func send(ctx context.Context, f *mockplatform.Function, opts suite.Options, sent mockplatform.Request) (results []mockplatform.Result, err error) {
	if f.Spec().Type == mockplatform.HTTP {
		result, err := f.Do(ctx, sent)
		if err != nil {
			return nil, err //nolint:wrapcheck // it says all
		}
		return []mockplatform.Result{result}, nil
	}
	events := opts.Events
	if len(events) == 0 {
		event, _ := suite.TriggerEvent("timer")
		events = []suite.Event{event}
	}
	for _, event := range events {
		trigger := mockplatform.AnyTrigger
		if event.Timer {
			trigger = mockplatform.Timer
		}
		result, err := f.InvokeBy(ctx, trigger, event.Body)
		if err != nil {
			return results, err //nolint:wrapcheck // it says all
		}
		results = append(results, result)
	}
	return results, nil
}

// printResult writes the answer to stdout, and the log and the cause of a failure to stderr.
func printResult(p *mockplatform.Platform, result mockplatform.Result, lang *language, include bool) {
	for _, line := range result.Log {
		_, _ = fmt.Fprintln(os.Stderr, p.Mask(strings.ToValidUTF8(line.Text, "�")))
	}
	if include && result.HTTPStatus != 0 {
		_, _ = fmt.Fprintf(os.Stdout, "HTTP/1.1 %d %s\n", result.HTTPStatus, http.StatusText(result.HTTPStatus))
		_ = result.Header.Write(os.Stdout)
		_, _ = fmt.Fprintln(os.Stdout)
	}
	_, _ = os.Stdout.Write(result.Body)
	if result.Status.Code != contract.StatusSuccess.Code {
		_, _ = fmt.Fprintf(os.Stderr, "%d %s: %s\n", result.Status.Code, result.Status.Name, p.Mask(result.ErrorMessage))
	}
	if cause, ok := result.Cause(); ok {
		printCause(os.Stderr, lang, cause, p.Mask)
	}
}
