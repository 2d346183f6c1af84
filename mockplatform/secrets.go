package mockplatform

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// secrets are the marker credentials that functions get in their headers. They open nothing anywhere.
type secrets struct {
	id, key, token string
	pieces         map[string]string // what stands for each fragment of them
}

// newSecrets makes the platform's marker credentials.
func newSecrets() (secrets, error) {
	var random [48]byte
	if _, err := rand.Read(random[:]); err != nil {
		return secrets{}, fmt.Errorf("make marker credentials: %w", err)
	}
	text := hex.EncodeToString(random[:])
	s := secrets{id: "AKIDscfcertmarker" + text[:16], key: "scfcertmarkerkey" + text[16:48], token: "scfcertmarkertoken" + text[48:], pieces: map[string]string{}}
	for _, hidden := range s.named() {
		for at := 0; at+fragment <= len(hidden.secret); at++ {
			s.pieces[hidden.secret[at:at+fragment]] = hidden.name
		}
	}
	return s, nil
}

// fragment is the shortest part of a secret that is hidden too: what is quoted of an output or an answer may begin or end
// within one.
const fragment = 8

// found names the secrets that a text holds.
func (s secrets) found(text string) []string {
	masked := s.mask(text)
	var names []string
	for _, hidden := range s.named() {
		if strings.Count(masked, hidden.name) > strings.Count(text, hidden.name) {
			names = append(names, hidden.header)
		}
	}
	return names
}

// named lists the secrets with what stands for them, and the headers that carry them.
func (s secrets) named() []struct{ secret, name, header string } {
	return []struct{ secret, name, header string }{
		{s.id, "[secret id]", contract.HeaderSecretID}, {s.key, "[secret key]", contract.HeaderSecretKey}, {s.token, "[session token]", contract.HeaderSessionToken},
	}
}

// mask hides the secrets in a text, whole or in part.
func (s secrets) mask(text string) string {
	if s.key == "" {
		return text
	}
	for _, hidden := range s.named() {
		text = strings.ReplaceAll(text, hidden.secret, hidden.name)
	}
	var b strings.Builder
	kept := 0
	for at := 0; at+fragment <= len(text); at++ {
		if s.pieces[text[at:at+fragment]] == "" {
			continue
		}
		b.WriteString(text[kept:at])
		for at+fragment < len(text) && s.pieces[text[at+1:at+1+fragment]] != "" {
			at++
		}
		b.WriteString(s.pieces[text[at:at+fragment]]) // the beginnings are alike
		kept = at + fragment
		at = kept - 1
	}
	b.WriteString(text[kept:])
	return b.String()
}
