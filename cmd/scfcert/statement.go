package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/image"
	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/statement"
	"github.com/scfcert/scfcert/suite/statement/referrer"
)

func keygenCommand() *cobra.Command {
	var kind, out string
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Make a key pair to sign statements with",
		Long: `Make a key pair: NAME.key, which only you can read and which signs, and NAME.pub for those who verify. Files that are
there already are not written over.`,
		Example: "  scfcert keygen --out=vendor\n  scfcert keygen --type=ecdsa-p256 --out=vendor",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if base := filepath.Base(out); out == "" || strings.HasSuffix(out, string(filepath.Separator)) || strings.HasPrefix(base, ".") {
				return fmt.Errorf("%w: --out %q: give the name of the two files, without .key and .pub", suite.ErrUsage, out)
			}
			private, public, err := statement.GenerateKey(statement.Kind(kind))
			if err != nil {
				return fmt.Errorf("%w: --type: %w", suite.ErrUsage, err)
			}
			if err := errors.Join(absent(out+".key"), absent(out+".pub")); err != nil {
				return sortError(err)
			}
			if err := writeNew(out+".key", private, 0o600); err != nil { //nolint:mnd // for its owner only
				return sortError(err)
			}
			if err := writeNew(out+".pub", public, 0o644); err != nil { //nolint:mnd // for everybody
				return sortError(errors.Join(err, os.Remove(out+".key")))
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s.key signs: keep it secret\n%s.pub verifies: give it to whoever asks\n", out, out)
			return sortError(err)
		},
	}
	cmd.Flags().StringVar(&kind, "type", string(statement.Ed25519), "kind of key: ed25519 or ecdsa-p256")
	cmd.Flags().StringVar(&out, "out", "scfcert", "`NAME` of the two files, without .key and .pub")
	return cmd
}

func absent(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s is there already; take another name with --out, or move it away", path)
	}
	return nil
}

// notOver refuses a file to write that is none, or that is one of those that are read.
func notOver(out string, inputs ...string) error {
	if out == "" {
		return fmt.Errorf("%w: --out names no file; give one, or - for standard output", suite.ErrUsage)
	}
	there, err := os.Stat(out)
	if err != nil {
		return nil //nolint:nilerr // it is not there
	}
	for _, input := range inputs {
		if read, err := os.Stat(input); err == nil && os.SameFile(there, read) {
			return fmt.Errorf("%w: --out %q is a file that is read; give another name", suite.ErrUsage, out)
		}
	}
	return nil
}

// writeNew writes a file that must not be there yet, whole or not at all.
func writeNew(path string, text []byte, mode os.FileMode) error {
	file, err := os.OpenFile(filepath.Clean(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("write %s: %w; give another name with --out", path, err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// signing is what scfcert sign is told.
type signing struct {
	key, public, out string
	command          []string
	timeout          time.Duration
}

func signCommand() *cobra.Command {
	var s signing
	cmd := &cobra.Command{
		Use:   "sign REPORT",
		Short: "Sign what a report says of an image",
		Long: `Make a signed statement of report.json: an in-toto statement with the test-result predicate and our details about the
image's manifest digest, in a DSSE envelope. The report must name a function type (--type=event or http) and an image with
a manifest digest, as one of a registry or an OCI layout has.

A program of yours may sign instead of a key: it gets the message on standard input and writes the signature in base64.
Give it with its arguments, one --signer each, and its public key with --public.`,
		Example: "  scfcert sign scfcert-report/report.json --key=vendor.key\n  scfcert sign report.json --signer=kms-sign --signer=key-1 --public=vendor.pub",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			signer, err := s.signer()
			if err != nil {
				return err
			}
			if err := notOver(s.out, args[0], s.key, s.public); err != nil {
				return err
			}
			r, text, err := report.LoadText(args[0])
			if err != nil {
				return sortError(err)
			}
			made, err := statement.New(r, text)
			if err != nil {
				return sortError(err)
			}
			envelope, err := statement.Sign(cmd.Context(), made, signer)
			if err != nil {
				return sortError(err)
			}
			if s.out == "-" {
				_, err = cmd.OutOrStdout().Write(envelope)
				return sortError(err)
			}
			if err := report.WriteFile(s.out, envelope); err != nil {
				return sortError(err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s states that %s is %s, signed by %s\n", s.out, r.Image.Digest, r.Verdict, signer.Public().ID())
			return sortError(err)
		},
	}
	cmd.Flags().StringVar(&s.key, "key", "", "private key `FILE` (scfcert keygen)")
	cmd.Flags().StringArrayVar(&s.command, "signer", nil, "`PROGRAM` that signs, and each of its arguments with the flag once more")
	cmd.Flags().StringVar(&s.public, "public", "", "public key `FILE` of --signer")
	cmd.Flags().DurationVar(&s.timeout, "signer-timeout", statement.DefaultCommandTimeout, "how long --signer may take; what it has started itself is not ended then")
	cmd.Flags().StringVar(&s.out, "out", "statement.json", "`FILE` to write; - for standard output")
	return cmd
}

func (s *signing) signer() (statement.Signer, error) {
	switch {
	case (s.key == "") == (len(s.command) == 0):
		return nil, fmt.Errorf("%w: give either --key or --signer", suite.ErrUsage)
	case (s.public == "") != (len(s.command) == 0):
		return nil, fmt.Errorf("%w: --public goes with --signer", suite.ErrUsage)
	case s.key != "":
		text, err := readSmall(s.key)
		if err != nil {
			return nil, sortError(err)
		}
		key, err := statement.ParsePrivateKey(text)
		if err != nil {
			return nil, sortError(fmt.Errorf("%s: %w", s.key, err))
		}
		return key, nil
	}
	key, err := publicKey(s.public)
	if err != nil {
		return nil, err
	}
	return statement.Command{Args: s.command, Key: key, Timeout: s.timeout}, nil
}

func publicKey(path string) (statement.PublicKey, error) {
	text, err := readSmall(path)
	if err != nil {
		return statement.PublicKey{}, sortError(err)
	}
	key, err := statement.ParsePublicKey(text)
	if err != nil {
		return key, sortError(fmt.Errorf("%s: %w", path, err))
	}
	return key, nil
}

// readSmall reads a file that can only be small: a key, or an envelope.
func readSmall(path string) ([]byte, error) {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err //nolint:wrapcheck // names the file
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, statement.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return text, nil
}

func attachCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "attach STATEMENT IMAGE",
		Short: "Keep a signed statement in the registry, beside its image",
		Long: `Push a signed statement into the image's repository, as an OCI artifact that refers to the image (a referrer). IMAGE is
NAME or registry:NAME; of an image for several platforms it is that for linux/amd64. It must be the image that the statement
is about. Attaching a statement twice leaves one. You need the right to push ("docker login").`,
		Example: "  scfcert attach statement.json registry:example.com/team/function:1.4",
		Args:    cobra.ExactArgs(2), //nolint:mnd // as the usage says
		RunE: func(cmd *cobra.Command, args []string) error {
			ref, err := image.ParseReference(args[1])
			if err != nil {
				return sortReference(err)
			}
			envelope, err := readSmall(args[0])
			if err != nil {
				return sortError(err)
			}
			artifact, err := referrer.Attach(cmd.Context(), ref, envelope, referrer.Options{})
			if err != nil {
				return sortReference(err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is attached to %s as %s\n", args[0], ref, artifact)
			return sortError(err)
		},
	}
}

// sortReference is sortError, where an image that cannot be meant is wrong usage too.
func sortReference(err error) error {
	if errors.Is(err, image.ErrReference) {
		return fmt.Errorf("%w: %w", suite.ErrUsage, err)
	}
	return sortError(err)
}

// verifying is what scfcert verify is told.
type verifying struct {
	keys, contracts            []string
	digest, image, kind, until string
	maxAge                     time.Duration
	waivers, attached          bool
	as                         choice
}

func verifyCommand(code *int) *cobra.Command {
	var v verifying
	cmd := &cobra.Command{
		Use:   "verify [STATEMENT]",
		Short: "Tell whether a signed statement holds for an image",
		Long: `Check a statement that somebody else has made: its signature, that it is about this very image, the contract, the function
type, the verdict and the age. It refuses with one sentence.

With --attached the statements are those that are kept in the image's registry (scfcert attach). It is enough that one
holds; of several that hold the newest certification is shown.

Exit codes: 0 the statement holds, 1 it does not, 2 we could not look (a file or the image cannot be read), 64 wrong usage.`,
		Example: "  scfcert verify statement.json --key=vendor.pub --digest=sha256:… --type=event\n  scfcert verify statement.json --key=vendor.pub --image=registry:example.com/team/function:1.4 --max-age=2160h\n  scfcert verify --attached --key=vendor.pub --image=registry:example.com/team/function:1.4",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if v.attached == (len(args) == 1) {
				return fmt.Errorf("%w: give either STATEMENT, the file to verify, or --attached for those in the image's registry", suite.ErrUsage)
			}
			opts, err := v.options(cmd.Context())
			if err != nil {
				return err
			}
			given, err := v.given(cmd.Context(), args, opts.Digest)
			if err != nil {
				return err
			}
			held, refusals := verified(given, opts)
			if held == nil {
				*code = 1
				for _, refusal := range refusals {
					_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "refused:", refusal)
				}
				return nil
			}
			if v.as.value == "json" {
				return sortError(printJSON(cmd.OutOrStdout(), held.Statement))
			}
			c := held.Statement.Predicate.Certification
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\nis %s as %s function, by %s %s, certified at %s\nsigned by %s\n",
				opts.Digest, c.Verdict, c.Function.Type, c.Contract.Name, c.Contract.Version, c.FinishedAt.Format(time.RFC3339), held.KeyID)
			for _, w := range c.Waivers {
				_, _ = fmt.Fprintf(cmd.OutOrStdout(), "waived until %s by %q: %q (%q)\n", w.Expires, w.Owner, w.Requirement, w.Reason)
			}
			return sortError(err)
		},
	}
	cmd.Flags().StringArrayVar(&v.keys, "key", nil, "public key `FILE` that is trusted; may be repeated")
	cmd.Flags().StringVar(&v.until, "key-until", "", "`DATE` (YYYY-MM-DD) after which the keys are not trusted any more")
	cmd.Flags().StringVar(&v.digest, "digest", "", "`sha256:…` of the image's manifest")
	cmd.Flags().StringVar(&v.image, "image", "", "image instead of its digest: registry:REF, of which only the manifest is read, or oci:DIR")
	cmd.Flags().BoolVar(&v.attached, "attached", false, "verify the statements that are attached to the --image in its registry")
	cmd.Flags().StringVar(&v.kind, "type", "", "function type that must be certified: event or http (default: either)")
	cmd.Flags().StringArrayVar(&v.contracts, "contract", nil, "`version` of the contract that is accepted; may be repeated (default: that of this program)")
	cmd.Flags().DurationVar(&v.maxAge, "max-age", 0, "how long ago the certification may have ended, such as 2160h (default: any time)")
	cmd.Flags().BoolVar(&v.waivers, "allow-waivers", false, "accept conformant-with-waivers too")
	v.as = textOrJSON()
	cmd.Flags().Var(&v.as, "format", "format")
	return cmd
}

// given are the envelopes to verify: of a file, or those that are attached to the image.
func (v *verifying) given(ctx context.Context, args []string, digest string) ([]referrer.Found, error) {
	if !v.attached {
		envelope, err := readSmall(args[0])
		return []referrer.Found{{Envelope: envelope}}, sortError(err)
	}
	ref, err := image.ParseReference(v.image)
	if err != nil {
		return nil, sortReference(err)
	}
	found, err := referrer.Find(ctx, ref, digest, referrer.Options{})
	if err != nil {
		return nil, sortReference(err)
	}
	if len(found) == 0 {
		return []referrer.Found{{Err: fmt.Errorf("no statement is attached to %s at %s; ask the vendor to attach one with \"scfcert attach\", or for the file", digest, ref)}}, nil
	}
	return found, nil
}

// verified is the newest certification that holds, or nil and why none does.
func verified(given []referrer.Found, opts statement.VerifyOptions) (newest *statement.Verified, refusals []string) {
	for _, g := range given {
		held, err := statement.Verified{}, g.Err
		if err == nil {
			held, err = statement.Verify(g.Envelope, opts)
		}
		switch {
		case err != nil && g.Digest != "":
			refusals = append(refusals, g.Digest+": "+err.Error())
		case err != nil:
			refusals = append(refusals, err.Error())
		case newest == nil || held.Statement.Predicate.Certification.FinishedAt.After(newest.Statement.Predicate.Certification.FinishedAt):
			newest = &held
		}
	}
	return newest, refusals
}

func (v *verifying) options(ctx context.Context) (statement.VerifyOptions, error) {
	opts := statement.VerifyOptions{Digest: v.digest, Contracts: v.contracts, Type: v.kind, MaxAge: v.maxAge}
	switch {
	case len(v.keys) == 0:
		return opts, fmt.Errorf("%w: give the signer's public key with --key", suite.ErrUsage)
	case v.attached && v.image == "":
		return opts, fmt.Errorf("%w: say with --image=registry:REF where the statements are attached", suite.ErrUsage)
	case (v.digest == "") == (v.image == ""):
		return opts, fmt.Errorf("%w: say which image it must be about, with either --digest or --image", suite.ErrUsage)
	}
	for _, version := range v.contracts {
		if strings.Trim(version, "0123456789.") != "" || version == "" {
			return opts, fmt.Errorf("%w: --contract %q: give a version such as %s, and the flag once for each", suite.ErrUsage, version, contract.Version)
		}
	}
	var until time.Time
	if v.until != "" {
		day, err := time.Parse(time.DateOnly, v.until)
		if err != nil {
			return opts, fmt.Errorf("%w: --key-until %q: write a date as 2027-01-31", suite.ErrUsage, v.until)
		}
		until = day.AddDate(0, 0, 1).Add(-time.Nanosecond) // the end of that day
	}
	for _, path := range v.keys {
		key, err := publicKey(path)
		if err != nil {
			return opts, err
		}
		opts.Keys = append(opts.Keys, statement.Key{Public: key, NotAfter: until})
	}
	if v.waivers {
		opts.Verdicts = []report.Verdict{report.Conformant, report.WithWaivers}
	}
	if v.image != "" {
		digest, err := v.manifestDigest(ctx)
		if err != nil {
			return opts, sortReference(err)
		}
		opts.Digest = digest
	}
	if err := opts.Check(); err != nil {
		return opts, fmt.Errorf("%w: %w", suite.ErrUsage, err)
	}
	return opts, nil
}

// manifestDigest looks at an image outside the local engine, which knows no manifests.
func (v *verifying) manifestDigest(ctx context.Context) (string, error) {
	ref, err := image.ParseReference(v.image)
	if err != nil {
		return "", err //nolint:wrapcheck // it says all
	}
	if v.attached || ref.Source == image.FromRegistry || ref.Source == image.FromAny {
		registry, err := image.Reach(ctx, ref, nil)
		if err != nil {
			return "", err //nolint:wrapcheck // it says all
		}
		manifest, err := registry.Manifest(ctx)
		if err != nil {
			return "", err //nolint:wrapcheck // it says all
		}
		return manifest.Digest.String(), nil
	}
	spool, err := os.MkdirTemp("", "scfcert-verify-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the image: %w", err)
	}
	defer func() { _ = os.RemoveAll(spool) }()
	found, err := image.Resolve(ctx, ref, image.Options{SpoolDir: spool})
	if err != nil {
		return "", err //nolint:wrapcheck // it says all
	}
	defer func() { _ = found.Close() }()
	if found.DigestKind != "manifest" {
		return "", fmt.Errorf("%s has no manifest digest; give a registry:REF or an oci:DIR", strings.TrimSpace(v.image))
	}
	return found.Digest.String(), nil
}
