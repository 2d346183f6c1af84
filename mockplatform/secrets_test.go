package mockplatform

import (
	"strings"
	"testing"
)

func TestMarkerCredentialsNeverLeave(t *testing.T) {
	s, err := newSecrets()
	if err != nil {
		t.Fatal(err)
	}
	masked := s.mask("id " + s.id + " key " + s.key + " token " + s.token + " end")
	for _, secret := range []string{s.id, s.key, s.token} {
		if secret == "" || strings.Contains(masked, secret) {
			t.Errorf("masked text %q holds %q", masked, secret)
		}
	}
	if masked != "id [secret id] key [secret key] token [session token] end" {
		t.Errorf("masked text is %q", masked)
	}
}

func TestAPartOfACredentialIsHiddenToo(t *testing.T) {
	s, err := newSecrets()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"token " + s.token[:20]:            "token [session token]",
		s.key[30:] + " is the end":         "[secret key] is the end",
		"in " + s.key[20:35] + " " + s.key: "in [secret key] [secret key]",
		"an ordinary text, " + s.key[:5]:   "an ordinary text, " + s.key[:5],
	} {
		if got := s.mask(text); got != want {
			t.Errorf("%q is masked as %q, want %q", text, got, want)
		}
	}
}
