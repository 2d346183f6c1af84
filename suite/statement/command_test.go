package statement

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// asSigner makes the test binary a signer; its value says what kind.
const asSigner = "SCFCERT_TEST_SIGNER"

func TestMain(m *testing.M) {
	if how := os.Getenv(asSigner); how != "" {
		os.Exit(signer(how, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// signer is the program of these tests: it reads a message and signs it with the key of a file.
func signer(how string, args []string) int {
	message, err := io.ReadAll(os.Stdin)
	if err != nil {
		return 3
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return 4
	}
	key, err := ParsePrivateKey(text)
	if err != nil {
		return 5
	}
	signature, err := key.Sign(context.Background(), message)
	if err != nil {
		return 6
	}
	switch how {
	case "well":
		fmt.Println(base64.StdEncoding.EncodeToString(signature))
	case "url":
		fmt.Print(base64.URLEncoding.EncodeToString(signature))
	case "raw":
		_, _ = os.Stdout.Write(signature)
	case "nothing":
		fmt.Fprintln(os.Stderr, "no key \x1b[2Jin the token\nat all")
	case "failing":
		fmt.Fprint(os.Stderr, strings.Repeat("x", 1<<20)+"the token is locked")
		return 7
	case "much":
		fmt.Print(strings.Repeat("A", 1<<20))
	case "key":
		fmt.Print(string(text))
	case "other":
		signature[len(signature)-1]++
		fmt.Print(base64.StdEncoding.EncodeToString(signature))
	case "slow":
		fmt.Fprint(os.Stderr, "waiting for a touch")
		time.Sleep(time.Minute)
	}
	return 0
}

// program is the signer as a Command, and its key.
func program(t *testing.T, kind Kind, how string) (Command, string) {
	t.Helper()
	t.Setenv(asSigner, how)
	private, public, err := GenerateKey(kind)
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/key $(touch x); '.pem"
	if err := os.WriteFile(file, private, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParsePublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return Command{Args: []string{self, file}, Key: key}, string(private)
}

func TestAProgramSigns(t *testing.T) {
	for _, kind := range kinds() {
		for _, how := range []string{"well", "url"} {
			command, _ := program(t, kind, how)
			envelope, err := Sign(t.Context(), stated(t, certified()), command)
			if err != nil {
				t.Fatalf("%s, %s: %v", kind, how, err)
			}
			if got, err := Verify(envelope, trusting(command.Key)); err != nil || got.KeyID != command.Key.ID() {
				t.Errorf("%s, %s: %v", kind, how, err)
			}
		}
	}
}

func TestAProgramThatDoesNotSignIsRefused(t *testing.T) {
	for how, says := range map[string]string{
		"raw": "signature in base64", "nothing": `no key \\u001b[2Jin the token at all`, "failing": "the token is locked", "much": "more than",
		"key": "signature in base64", "other": "does not verify",
	} {
		command, private := program(t, Ed25519, how)
		envelope, err := Sign(t.Context(), stated(t, certified()), command)
		if !errors.Is(err, ErrSigner) || !strings.Contains(err.Error(), says) || envelope != nil {
			t.Errorf("%s: %v, want %q in it", how, err, says)
			continue
		}
		if text := err.Error(); len(text) > 1200 || strings.ContainsAny(text, "\n\x1b") || strings.Contains(text, strings.Split(private, "\n")[1]) {
			t.Errorf("%s: %q", how, text)
		}
	}
}

func TestASlowProgramIsEnded(t *testing.T) {
	command, _ := program(t, Ed25519, "slow")
	command.Timeout = 500 * time.Millisecond
	began := time.Now()
	_, err := command.Sign(t.Context(), []byte("x"))
	if !errors.Is(err, ErrSigner) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 20*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := command.Sign(ctx, []byte("x")); !errors.Is(err, ErrSigner) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAProgramThatThereIsNotIsRefused(t *testing.T) {
	for _, args := range [][]string{nil, {""}, {"/no/such program"}, {"no such program; true"}} {
		if _, err := (Command{Args: args}).Sign(t.Context(), nil); !errors.Is(err, ErrSigner) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
