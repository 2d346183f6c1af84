// Package page is the local server's page: what a developer sees of the functions in a browser, and the same as JSON.
//
// In comes a Source, which knows functions, invocations and logs; out comes an http.Handler for everything below a
// prefix. HTML is made here and needs no JavaScript for reading; a small script fetches the page again when the Source
// tells of a change. Nothing is loaded from elsewhere. What functions wrote is shown, and never obeyed.
//
// No clause of the contract asks for it. Status codes, states and units are shown as the contract names them.
// docs/local-server-api.md describes the endpoints.
package page

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// How much is shown at once.
const (
	shownInvocations = 50
	shownLogLines    = 500 // of a search, unless told otherwise
	shownRequest     = 2000
	shownLineBytes   = 4 << 10
	shownResultBytes = 64 << 10
)

//go:embed templates assets
var files embed.FS

// site is the page of one server.
type site struct {
	source Source
	prefix string // without a slash at its end
	pages  *template.Template
}

// Handler serves everything below the prefix, which is part of the requests' paths. Requests must be for a loopback
// name, for an address, or for one of the hosts: those are the names, with or without a port, that the server was told
// to listen on. All others are refused, so that no web site reaches it through a name of its own (DNS rebinding).
func Handler(source Source, prefix string, hosts ...string) http.Handler {
	s := &site{source: source, prefix: strings.TrimSuffix(prefix, "/")}
	s.pages = template.Must(template.New("").Funcs(template.FuncMap{
		"bytes": formatBytes, "duration": formatDuration, "clock": formatClock, "moment": formatMoment, "iso": formatISO,
		"segment": url.PathEscape, "clean": clean, "cut": cut, "short": shortID, "lines": keyed,
	}).ParseFS(files, "templates/*.html"))

	mux := http.NewServeMux()
	at := func(pattern string, handler http.HandlerFunc) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(strings.TrimSpace(method+" "+s.prefix+path), handler)
	}
	at("GET /{$}", s.show(s.overview))
	at("GET /functions/{name}", s.show(s.function))
	at("GET /invocations/{id}", s.show(s.invocation))
	at("GET /logs", s.show(s.logs))
	at("POST /functions/{name}/invoke", s.show(s.send))
	at("POST /functions/{name}/timers/{trigger}", s.show(s.fire))
	// A reload of the answer to a form that was refused ends up here.
	at("GET /functions/{name}/invoke", s.toFunction)
	at("GET /functions/{name}/timers/{trigger}", s.toFunction)
	at("GET /changes", s.changes)
	at("GET /assets/{file}", s.asset)
	s.routeAPI(at)
	at(" /", s.show(func(*http.Request, *frame) (string, any, error) { return "", nil, notFound() }))
	if s.prefix != "" {
		at("GET ", func(w http.ResponseWriter, r *http.Request) { redirect(w, r, s.prefix+"/") })
	}
	return s.guard(mux, hosts)
}

// frame is what every page has around its own data.
type frame struct {
	T                *texts
	Title            string
	Prefix           string
	English, Chinese string // this page in the other language
	Zone             string // of all times
	Host             string // as the browser calls us
	Page             any
}

// part is what a piece of a page gets: all of the page and its own data.
type part struct {
	*frame

	Data any
}

// With makes a part. It is for templates.
func (f *frame) With(data any) part { return part{f, data} }

// show makes a handler of a function that gives a template's name and its data. A name that begins with a slash is a
// place to go to instead.
func (s *site) show(page func(r *http.Request, f *frame) (name string, data any, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f := s.frame(w, r)
		name, data, err := page(r, f)
		status := http.StatusOK
		var again *formError
		switch {
		case errors.As(err, &again):
			status = asClientError(err).status
		case err != nil:
			s.refuse(w, r, err)
			return
		case strings.HasPrefix(name, "/"):
			redirect(w, r, name)
			return
		}
		f.Page = data
		s.render(w, status, name, f)
	}
}

// redirect goes on to another page after the request was done, by GET.
func redirect(w http.ResponseWriter, r *http.Request, target string) {
	http.Redirect(w, r, target, http.StatusSeeOther) //nolint:gosec // G710: targets begin with our prefix
}

func (s *site) frame(w http.ResponseWriter, r *http.Request) *frame {
	in := func(tag string) string {
		query := r.URL.Query()
		query.Set("lang", tag)
		return "?" + query.Encode()
	}
	return &frame{
		T: s.language(w, r), Prefix: s.prefix, English: in("en"), Chinese: in("zh"), Host: r.Host,
		Zone: time.Now().Format("UTC-07:00"),
	}
}

func (s *site) render(w http.ResponseWriter, status int, name string, f *frame) {
	var page bytes.Buffer
	if err := s.pages.ExecuteTemplate(&page, name, f); err != nil {
		http.Error(w, "The page could not be made, which is a fault of scfcert's: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // the client may have gone
}

// refuse tells a client, as a page, why it gets nothing.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, err error) {
	f := s.frame(w, r)
	p := asClientError(err)
	f.Title = fmt.Sprintf("%d %s", p.status, http.StatusText(p.status))
	f.Page = p
	s.render(w, p.status, "error", f)
}

// overviewData is what the first page shows.
type overviewData struct {
	Functions   []Function
	Instances   bool // whether there are any
	Invocations invocationsData
}

// invocationsData is a table of invocations.
type invocationsData struct {
	Rows     []Invocation
	Function bool // whether to name the function in each row
	Limit    int
	Empty    string
}

func (s *site) overview(_ *http.Request, f *frame) (string, any, error) {
	f.Title = f.T.Overview
	functions := s.source.Functions()
	return "overview", overviewData{
		Functions: functions,
		Instances: slices.ContainsFunc(functions, func(f Function) bool { return len(f.Instances) > 0 }),
		Invocations: invocationsData{
			Rows: s.source.Invocations("", shownInvocations), Function: true, Limit: shownInvocations, Empty: f.T.NoInvocations,
		},
	}, nil
}

// functionData is what the page of a function shows.
type functionData struct {
	Function
	Events      bool // whether it takes events
	Invocations invocationsData
	Templates   []Template
	Form        form
	Fired       string // the timer that was just fired
	API         string // the path of its endpoint
}

// Itself is the function as a list, as a table takes it.
func (d functionData) Itself() []Function { return []Function{d.Function} }

// form is the form that sends an event.
type form struct {
	Template string
	Event    string
	Async    bool
	Problem  Text
}

// formError has a form shown again, with what was typed.
type formError struct{ error }

func (p *formError) Unwrap() error { return p.error }

func (s *site) functionNamed(name string) (Function, error) {
	functions := s.source.Functions()
	names := make([]string, 0, len(functions))
	for n := range functions {
		if functions[n].Name == name {
			return functions[n], nil
		}
		names = append(names, functions[n].Name)
	}
	return Function{}, noFunction(name, names)
}

func (s *site) function(r *http.Request, f *frame) (string, any, error) {
	templates := s.source.Templates()
	filled := form{Template: r.URL.Query().Get("template"), Event: "{}"}
	for _, t := range slices.Backward(templates) { // without a choice the first
		if filled.Template == t.Name || filled.Template == "" {
			filled.Event = pretty(t.Event)
		}
	}
	return s.functionWith(r, f, filled)
}

// functionWith is the page of a function with a form as it is filled.
func (s *site) functionWith(r *http.Request, f *frame, filled form) (string, any, error) {
	function, err := s.functionNamed(r.PathValue("name"))
	if err != nil {
		return "", nil, err
	}
	f.Title = function.Name
	data := functionData{
		Function: function, Events: function.Type != HTTPFunction, Templates: s.source.Templates(), Form: filled,
		Invocations: invocationsData{
			Rows: s.source.Invocations(function.Name, shownInvocations), Limit: shownInvocations, Empty: f.T.NoInvocations,
		},
		API: s.prefix + "/api/functions/" + url.PathEscape(function.Name),
	}
	if fired := r.URL.Query().Get("fired"); slices.ContainsFunc(function.Triggers, func(t Trigger) bool { return t.Name == fired }) {
		data.Fired = fired
	}
	return "function", data, nil
}

func (s *site) toFunction(w http.ResponseWriter, r *http.Request) {
	redirect(w, r, s.functionPath(r.PathValue("name")))
}

func (s *site) functionPath(name string) string {
	return s.prefix + "/functions/" + url.PathEscape(name)
}

// send does what the form asks, and goes on to the invocation.
func (s *site) send(r *http.Request, f *frame) (string, any, error) {
	const escaped = 3 // a byte in a form takes up to three
	r.Body = http.MaxBytesReader(nil, r.Body, escaped*maxEvent)
	if err := r.ParseForm(); err != nil {
		return "", nil, fmt.Errorf("%w: read the form: %w", ErrRefused, err)
	}
	filled := form{Template: r.PostForm.Get("template"), Event: r.PostForm.Get("event"), Async: r.PostForm.Get("async") != ""}
	done, err := s.source.Invoke(r.Context(), r.PathValue("name"), []byte(filled.Event), filled.Async)
	switch {
	case errors.Is(err, ErrRefused):
		filled.Problem = asClientError(err).Text
		name, data, pageErr := s.functionWith(r, f, filled)
		return name, data, cmp.Or[error](pageErr, &formError{err})
	case err != nil:
		return "", nil, err
	}
	return s.prefix + "/invocations/" + url.PathEscape(done.RequestID), nil, nil
}

func (s *site) fire(r *http.Request, _ *frame) (string, any, error) {
	name, trigger := r.PathValue("name"), r.PathValue("trigger")
	if err := s.source.Fire(r.Context(), name, trigger); err != nil {
		return "", nil, err
	}
	return s.functionPath(name) + "?fired=" + url.QueryEscape(trigger) + "#triggers", nil, nil
}

// invocationData is what the page of a request shows.
type invocationData struct {
	RequestID string
	Function  string
	Attempts  []Invocation // the newest first
	Log       logData
}

// logData is a list of lines.
type logData struct {
	Lines    []Line
	Requests bool // whether to name the request in each line
	Left     int  // lines before these
	Empty    string
}

func (s *site) invocation(r *http.Request, f *frame) (string, any, error) {
	id := r.PathValue("id")
	data := invocationData{RequestID: id, Log: logData{Lines: s.source.Lines(id), Empty: f.T.NoLines}}
	for _, one := range s.source.Invocations("", 0) {
		if one.RequestID == id {
			data.Attempts = append(data.Attempts, one)
			data.Function = one.Function
		}
	}
	if len(data.Attempts) == 0 && len(data.Log.Lines) == 0 {
		return "", nil, noInvocation(id)
	}
	data.Log.Left = max(len(data.Log.Lines)-shownRequest, 0)
	data.Log.Lines = data.Log.Lines[data.Log.Left:]
	f.Title = f.T.Invocation + " " + shortID(id)
	return "invocation", data, nil
}

// logsData is what the log search shows.
type logsData struct {
	Functions []Function
	Function  string
	Contains  string
	Limit     int
	Log       logData
}

func (s *site) logs(r *http.Request, f *frame) (string, any, error) {
	limit, err := limitOf(r, shownLogLines)
	if err != nil {
		return "", nil, err
	}
	f.Title = f.T.Log
	query := r.URL.Query()
	data := logsData{Functions: s.source.Functions(), Function: query.Get("function"), Contains: query.Get("contains"), Limit: limit}
	data.Log = logData{Lines: s.source.Log(data.Function, data.Contains, limit), Requests: true, Empty: f.T.NoLinesFound}
	return "logs", data, nil
}

const (
	heartbeat   = 15 * time.Second
	writeWithin = 10 * time.Second
)

// changes sends an event whenever something may look different, until the client or the Source has gone.
func (s *site) changes(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	ctx := r.Context() // ends when the client leaves, and when we return
	changes := s.source.Changes(ctx)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	control := http.NewResponseController(w)
	message := "retry: 2000\n\n"
	for {
		_ = control.SetWriteDeadline(time.Now().Add(writeWithin)) // where the connection has one
		if _, err := w.Write([]byte(message)); err != nil || control.Flush() != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case _, open := <-changes:
			if !open {
				return
			}
			message = "event: change\ndata: change\n\n"
		case <-beat.C:
			message = ": still here\n\n"
		}
	}
}

func (s *site) asset(w http.ResponseWriter, r *http.Request) {
	name := "assets/" + r.PathValue("file")
	content, err := files.ReadFile(name)
	if err != nil {
		s.refuse(w, r, notFound())
		return
	}
	w.Header().Set("Cache-Control", "no-cache") // it belongs to this build
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
