package diagnose

import "slices"

// Text is a text in both languages.
type Text struct {
	EN string `json:"en"`
	ZH string `json:"zh"`
}

// Code is a stable reason code: topic dot cause.
type Code string

// Reason is a named cause of a failure.
type Reason struct {
	Code Code `json:"code"`
	// Requirement is the one that the cause breaks; empty where nothing can be assessed for it.
	Requirement string `json:"requirement,omitempty"`
	Summary     Text   `json:"summary"`  // what it is, in one line
	Required    Text   `json:"required"` // what SCF requires
	Fix         Text   `json:"fix"`      // what to do
}

// reason makes a row of the table: summary, what is required and what to do, each in English and Chinese.
func reason(code Code, requirement string, summary, required, fix Text) Reason {
	return Reason{Code: code, Requirement: requirement, Summary: summary, Required: required, Fix: fix}
}

// Reasons is the table of causes in the order of the requirements.
func Reasons() []Reason {
	return slices.Concat(imageReasons(), startReasons(), eventReasons(), httpReasons(), processReasons(), runReasons(), platformReasons())
}

// ReasonOf finds a reason by its code.
func ReasonOf(code Code) (Reason, bool) {
	for _, r := range Reasons() {
		if r.Code == code {
			return r, true
		}
	}
	return Reason{}, false
}

// Cause is a reason found in a case, with what was observed.
type Cause struct {
	Reason
	// Found is what was observed, with its values.
	Found Text
	// AlsoPossible are other causes that the evidence does not rule out.
	AlsoPossible []Code
}

// Because makes a cause of a code and what was found, which is the same in both languages.
func Because(code Code, found string) Cause { return BecauseText(code, Text{found, found}) }

// BecauseText makes a cause of a code and what was found.
func BecauseText(code Code, found Text) Cause {
	reason, ok := ReasonOf(code)
	if !ok {
		panic("no such reason: " + string(code)) // a programmer's error; the test of the table finds it
	}
	return Cause{Reason: reason, Found: found}
}
