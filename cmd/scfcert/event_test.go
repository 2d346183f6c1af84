package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/scfcert/scfcert/fixtures"
	"github.com/scfcert/scfcert/suite"
)

func event(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := eventCommand()
	var out bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(io.Discard)
	cmd.SilenceUsage = true
	err := cmd.Execute()
	return out.String(), err
}

func TestEventPrintsTheEventOfEveryTriggerAndListNamesThem(t *testing.T) {
	for lang, letters := range map[string]func(en, zh string) string{
		"en": func(en, _ string) string { return en },
		"zh": func(_, zh string) string { return zh },
	} {
		list, err := event(t, "list", "--lang", lang)
		lines := strings.Split(strings.TrimSuffix(list, "\n"), "\n")
		if err != nil || len(lines) != len(fixtures.Triggers()) {
			t.Fatalf("%v\n%s", err, list)
		}
		for i, trigger := range fixtures.Triggers() {
			text := letters(triggerText[trigger].EN, triggerText[trigger].ZH)
			name, rest, _ := strings.Cut(lines[i], " ")
			if name != trigger || text == "" || strings.TrimSpace(rest) != text {
				t.Errorf("line %q, want %s: %q", lines[i], trigger, text)
			}
		}
	}
	for _, trigger := range fixtures.Triggers() {
		want, _ := fixtures.Event(trigger)
		got, err := event(t, trigger)
		if err != nil || got != string(want) {
			t.Errorf("%s: %v\n%s", trigger, err, got)
		}
		var oneLine bytes.Buffer
		_ = json.Compact(&oneLine, want)
		if got, err := event(t, trigger, "--compact"); err != nil || got != oneLine.String()+"\n" {
			t.Errorf("%s: %v\n%s", trigger, err, got)
		}
	}
}

func TestEventSetsWhatItIsTold(t *testing.T) {
	got, err := event(t, "timer", "--set", "Message=a,b=<c>", "--set", "TriggerName=t", "--compact")
	want := `{"Type":"Timer","TriggerName":"t","Time":"2026-02-03T16:00:00Z","Message":"a,b=<c>"}` + "\n"
	if err != nil || got != want {
		t.Errorf("%v, %s", err, got)
	}
}

func TestEventTellsWrongUsage(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want error // beside ErrUsage
		text string
	}{
		"an unknown trigger":      {[]string{"mqtt"}, fixtures.ErrUnknownTrigger, `"mqtt"; known are apigw, ckafka, `},
		"an unknown field":        {[]string{"timer", "--set", "message=x"}, fixtures.ErrUnknownField, `"message": known are Type, TriggerName, Time, Message`},
		"a value of a wrong type": {[]string{"cos", "--set", "Records.0.cos.cosObject.size=big"}, fixtures.ErrValue, `"big" of Records.0.cos.cosObject.size: want a whole number`},
		"no value":                {[]string{"timer", "--set", "Message"}, nil, `"Message": want NAME=VALUE`},
		"a field set twice":       {[]string{"timer", "--set", "Message=a", "--set", "Message=b"}, nil, "Message is set twice"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := event(t, c.args...)
			if !errors.Is(err, suite.ErrUsage) || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || got != "" {
				t.Errorf("%v, printed %q", err, got)
			}
		})
	}
	if _, err := event(t); err == nil {
		t.Error("no trigger is accepted")
	}
	if _, err := event(t, "timer", "cos"); err == nil {
		t.Error("two triggers are accepted")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestAnEventThatCannotBePrintedIsNoWrongUsage(t *testing.T) {
	for _, arg := range []string{"timer", "list"} {
		cmd := eventCommand()
		cmd.SetArgs([]string{arg})
		cmd.SetOut(full{})
		cmd.SetErr(io.Discard)
		if err := cmd.Execute(); !errors.Is(err, errInconclusive) {
			t.Errorf("%s: %v", arg, err)
		}
	}
}
