package statement

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/scfcert/scfcert/suite/report"
)

// trusting are the options under which certified's statement holds.
func trusting(keys ...PublicKey) VerifyOptions {
	opts := VerifyOptions{
		Digest: imageDigest, Contracts: []string{"2026.11"}, Type: "event", MaxAge: 24 * time.Hour,
		Now: func() time.Time { return finished.Add(time.Hour) },
	}
	for _, key := range keys {
		opts.Keys = append(opts.Keys, Key{Public: key})
	}
	return opts
}

func signed(t testing.TB, s Statement, signer Signer) []byte {
	t.Helper()
	envelope, err := Sign(t.Context(), s, signer)
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

// vouched signs any payload, also one that Sign would refuse.
func vouched(t testing.TB, payload string, signer Signer) []byte {
	t.Helper()
	signature, err := signer.Sign(t.Context(), dsse.PAE(PayloadType, []byte(payload)))
	if err != nil {
		t.Fatal(err)
	}
	return sealed(payload, `{"sig":"`+base64.StdEncoding.EncodeToString(signature)+`"}`)
}

// sealed is an envelope by its parts.
func sealed(payload, signatures string) []byte {
	return []byte(`{"payloadType":"` + PayloadType + `","payload":"` + base64.StdEncoding.EncodeToString([]byte(payload)) + `","signatures":[` + signatures + `]}`)
}

// sentinels are all that Verify may say.
func sentinels() []error {
	return []error{ErrMalformed, ErrSignature, ErrKey, ErrPredicate, ErrDigest, ErrContract, ErrType, ErrVerdict, ErrAge}
}

// wantOnly demands a refusal that is one sentinel and no other, in one sentence, and that nothing comes with it.
func wantOnly(t testing.TB, name string, got Verified, err, want error) {
	t.Helper()
	for _, sentinel := range sentinels() {
		if errors.Is(err, sentinel) != errors.Is(want, sentinel) {
			t.Errorf("%s: %v, want %v and nothing else", name, err, want)
			return
		}
	}
	if text := err.Error(); strings.ContainsAny(text, "\n\x1b") || len(text) > 600 || !strings.Contains(text, "; ") {
		t.Errorf("%s: %q is no single short sentence with a remedy", name, text)
	}
	if !reflect.DeepEqual(got, Verified{}) {
		t.Errorf("%s: a statement came with the refusal", name)
	}
}

func TestAStatementGoesRoundWithEitherKindOfKey(t *testing.T) {
	for _, kind := range kinds() {
		key := newKey(t, kind)
		want := stated(t, certified())
		got, err := Verify(signed(t, want, key), trusting(newKey(t, Ed25519).Public(), newKey(t, ECDSAP256).Public(), key.Public()))
		if err != nil || !reflect.DeepEqual(got.Statement, want) || got.KeyID != key.Public().ID() {
			t.Errorf("%s: %v %+v", kind, err, got)
		}
		if payload, err := encode(want); err != nil || !bytes.Equal(got.Payload, payload) {
			t.Errorf("%s: %v, payload %s", kind, err, got.Payload)
		}
	}
}

func TestStatementsThatAreNotAcceptedAreRefused(t *testing.T) {
	key, now := newKey(t, Ed25519), finished.Add(time.Hour)
	at := func(when time.Time) func(*VerifyOptions) {
		return func(o *VerifyOptions) { o.Now = func() time.Time { return when } }
	}
	expires := func(when time.Time) func(*VerifyOptions) {
		return func(o *VerifyOptions) { o.Keys[0].NotAfter = when }
	}
	cases := []struct {
		name   string
		report report.Report
		change func(*VerifyOptions)
		want   error // nil: it holds
	}{
		{"as it is", certified(), func(*VerifyOptions) {}, nil},
		{"another image's digest", certified(), func(o *VerifyOptions) { o.Digest = "sha256:" + strings.Repeat("f", 64) }, ErrDigest},
		{"no expected digest", certified(), func(o *VerifyOptions) { o.Digest = "" }, ErrDigest},
		{"a malformed expected digest", certified(), func(o *VerifyOptions) { o.Digest = strings.ToUpper(imageDigest) }, ErrDigest},
		{"no keys", certified(), func(o *VerifyOptions) { o.Keys = nil }, ErrKey},
		{"an empty key", certified(), func(o *VerifyOptions) { o.Keys = append(o.Keys, Key{}) }, ErrKey},
		{"another key", certified(), func(o *VerifyOptions) { o.Keys[0].Public = newKey(t, Ed25519).Public() }, ErrSignature},
		{"a key of another kind", certified(), func(o *VerifyOptions) { o.Keys[0].Public = newKey(t, ECDSAP256).Public() }, ErrSignature},
		{"a key that expired since", certified(), expires(now.Add(-time.Second)), ErrKey},
		{"a key that had expired before", certified(), expires(finished.Add(-time.Second)), ErrKey},
		{"a key that had expired, by a clock that is behind", certified(), func(o *VerifyOptions) {
			expires(finished.Add(-time.Second))(o)
			at(finished.Add(-time.Minute))(o)
		}, ErrKey},
		{"a key that expires now", certified(), expires(now), nil},
		{"a key given twice, once expired", certified(), func(o *VerifyOptions) {
			o.Keys = append(o.Keys, Key{Public: key.Public(), NotAfter: finished})
		}, ErrKey},
		{"another version", certified(), func(o *VerifyOptions) { o.Contracts = []string{"2025.01", "2026.1"} }, ErrContract},
		{"one of several versions", certified(), func(o *VerifyOptions) { o.Contracts = []string{"2025.01", "2026.11"} }, nil},
		{"this build's version", certified(), func(o *VerifyOptions) { o.Contracts = nil }, nil},
		{"the other type", certified(), func(o *VerifyOptions) { o.Type = "http" }, ErrType},
		{"a type that there is not", certified(), func(o *VerifyOptions) { o.Type = "auto" }, ErrType},
		{"any type", certified(), func(o *VerifyOptions) { o.Type = "" }, nil},
		{"waivers that nobody allowed", waived(), func(*VerifyOptions) {}, ErrVerdict},
		{"waivers that are allowed", waived(), func(o *VerifyOptions) { o.Verdicts = []report.Verdict{report.Conformant, report.WithWaivers} }, nil},
		{"conformant, only waived allowed", certified(), func(o *VerifyOptions) { o.Verdicts = []report.Verdict{report.WithWaivers} }, ErrVerdict},
		{"a failure", failed(), func(o *VerifyOptions) { o.Verdicts = []report.Verdict{report.Conformant, report.WithWaivers} }, ErrVerdict},
		{"a failure that is asked for", failed(), func(o *VerifyOptions) { o.Verdicts = []report.Verdict{report.NonConformant} }, nil},
		{"too old", certified(), at(finished.Add(24*time.Hour + 1)), ErrAge},
		{"just young enough", certified(), at(finished.Add(24 * time.Hour)), nil},
		{"any age", certified(), func(o *VerifyOptions) { o.MaxAge = 0; at(finished.AddDate(50, 0, 0))(o) }, nil},
		{"a negative age", certified(), func(o *VerifyOptions) { o.MaxAge = -1 }, ErrAge},
		{"the future", certified(), at(finished.Add(-5*time.Minute - 1)), ErrAge},
		{"the future, any age", certified(), func(o *VerifyOptions) { o.MaxAge = 0; at(finished.Add(-time.Hour))(o) }, ErrAge},
		{"clocks a little apart", certified(), at(finished.Add(-5 * time.Minute)), nil},
	}
	for _, c := range cases {
		opts := trusting(key.Public())
		c.change(&opts)
		got, err := Verify(signed(t, stated(t, c.report), key), opts)
		switch {
		case c.want != nil:
			wantOnly(t, c.name, got, err, c.want)
		case err != nil || got.KeyID != key.Public().ID():
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestWithoutAClockTheTimeIsNow(t *testing.T) {
	key := newKey(t, Ed25519)
	r := certified()
	r.StartedAt, r.FinishedAt = time.Now().Add(-time.Hour), time.Now()
	opts := trusting(key.Public())
	opts.Now = nil
	if _, err := Verify(signed(t, stated(t, r), key), opts); err != nil {
		t.Error(err)
	}
}

func TestASecondSignatureByAKeyInForceIsEnough(t *testing.T) {
	old, young := newKey(t, Ed25519), newKey(t, ECDSAP256)
	s := stated(t, certified())
	var both, second dsse.Envelope
	for envelope, key := range map[*dsse.Envelope]PrivateKey{&both: old, &second: young} {
		if err := json.Unmarshal(signed(t, s, key), envelope); err != nil {
			t.Fatal(err)
		}
	}
	both.Signatures = append(both.Signatures, second.Signatures...)
	text, err := json.Marshal(both)
	if err != nil {
		t.Fatal(err)
	}
	opts := trusting(old.Public(), young.Public())
	opts.Keys[0].NotAfter = finished
	if got, err := Verify(text, opts); err != nil || got.KeyID != young.Public().ID() {
		t.Errorf("%v, key %s", err, got.KeyID)
	}
	opts.Keys[1].NotAfter = finished
	got, err := Verify(text, opts)
	wantOnly(t, "both expired", got, err, ErrKey)
}

func TestEveryByteOfAnEnvelopeIsProtected(t *testing.T) {
	flips := []byte{1, 2, 4, 8, 16, 32, 64, 128, 255}
	if testing.Short() {
		flips = []byte{1, 32, 255}
	}
	s := stated(t, certified())
	payload, err := encode(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds() {
		key := newKey(t, kind)
		envelope, opts := signed(t, s, key), trusting(key.Public())
		unsigned := unsignedBytes(envelope)
		for n := range envelope {
			for _, flip := range flips {
				changed := bytes.Clone(envelope)
				changed[n] ^= flip
				got, err := Verify(changed, opts)
				switch {
				case err == nil && unsigned[n] && bytes.Equal(got.Payload, payload) && reflect.DeepEqual(got.Statement, s):
				case err == nil:
					t.Errorf("%s: byte %d changed by %#x (%q) still verifies", kind, n, flip, changed[max(0, n-8):min(n+8, len(changed))])
				case !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrSignature):
					t.Errorf("%s: byte %d changed by %#x was believed before the signature: %v", kind, n, flip, err)
				}
			}
		}
	}
}

// unsignedBytes are the places of an envelope that no signature needs to cover: the name of the keyid, which is a hint, the
// white space at the end, and the last sign of base64 that is filled up, some of whose bits stand for nothing.
func unsignedBytes(envelope []byte) map[int]bool {
	places := map[int]bool{len(envelope) - 1: true}
	at := bytes.Index(envelope, []byte("keyid"))
	for n := range len("keyid") {
		places[at+n] = true
	}
	for n := range len(envelope) - 1 {
		if envelope[n] != '=' && envelope[n+1] == '=' {
			places[n] = true
		}
	}
	return places
}

func TestATruncatedEnvelopeIsRefused(t *testing.T) {
	key := newKey(t, Ed25519)
	envelope := bytes.TrimSpace(signed(t, stated(t, certified()), key))
	for n := range envelope {
		got, err := Verify(envelope[:n], trusting(key.Public()))
		wantOnly(t, "truncated", got, err, ErrMalformed)
	}
}

func TestHostileEnvelopesAreRefused(t *testing.T) {
	key := newKey(t, Ed25519)
	envelope := strings.TrimSpace(string(signed(t, stated(t, certified()), key)))
	inner := strings.TrimSuffix(strings.TrimPrefix(envelope, "{"), "}")
	signature := envelope[strings.Index(envelope, `[{`)+1 : strings.Index(envelope, `}]`)+1]
	for name, text := range map[string]string{
		"empty":                         "",
		"white space":                   " \n",
		"null":                          "null",
		"a number":                      "1",
		"a list":                        "[" + envelope + "]",
		"nothing in it":                 "{}",
		"another payload type":          strings.Replace(envelope, PayloadType, "application/json", 1),
		"an escape in the payload type": strings.Replace(envelope, PayloadType, `\u001b[2J`+strings.Repeat("x", 5000), 1),
		"no payload":                    strings.Replace(envelope, `"payload":`, `"payloads":`, 1),
		"a payload in capitals":         strings.Replace(envelope, `"payload":`, `"Payload":`, 1),
		"a payload that is null":        `{"payloadType":"` + PayloadType + `","payload":null,"signatures":[` + signature + `]}`,
		"a payload that is no base64":   `{"payloadType":"` + PayloadType + `","payload":"%","signatures":[` + signature + `]}`,
		"no signatures":                 `{"payloadType":"` + PayloadType + `","payload":"e30="}`,
		"signatures that are none":      string(sealed("{}", "")),
		"signatures that are no list":   strings.NewReplacer("[", "", "]", "").Replace(envelope),
		"a signature that is null":      string(sealed("{}", "null")),
		"a signature without sig":       string(sealed("{}", `{"keyid":"x"}`)),
		"a signature without base64":    string(sealed("{}", `{"sig":"%"}`)),
		"a keyid that is a number":      string(sealed("{}", `{"keyid":1,"sig":"AA=="}`)),
		"too many signatures":           string(sealed("{}", strings.TrimSuffix(strings.Repeat(signature+",", maxSignatures+1), ","))),
		"something behind it":           envelope + "{}",
		"a bracket behind it":           envelope + "}",
		"NUL behind it":                 envelope + "\x00",
		"a byte order mark":             "\ufeff" + envelope,
		"a member twice":                "{" + inner + "," + inner + "}",
		"a payload twice":               `{"payload":"e30=",` + inner + "}",
		"a payload twice, in capitals":  `{"PAYLOAD":"e30=",` + inner + "}",
		"a payload twice, escaped":      `{"p\u0061yload":"e30=",` + inner + "}",
		"a keyid twice":                 strings.Replace(envelope, `"keyid":`, `"keyid":"x","keyid":`, 1),
		"an unknown member, twice":      `{"x":{"a":1,"a":1},` + inner + "}",
		"no UTF-8":                      "{\"x\":\"\xff\"," + inner + "}",
		"very deep":                     strings.Repeat("[", 1<<20),
		"very deep, closed":             strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20),
		"deep in an unknown member":     `{"x":` + strings.Repeat(`{"a":`, maxDepth) + "1" + strings.Repeat("}", maxDepth) + "," + inner + "}",
		"too large":                     envelope + strings.Repeat(" ", MaxBytes),
		"single quotes":                 strings.ReplaceAll(envelope, `"`, `'`),
		"a comment":                     "/**/" + envelope,
	} {
		got, err := Verify([]byte(text), trusting(key.Public()))
		wantOnly(t, name, got, err, ErrMalformed)
	}
}

func TestWhatDSSELeavesOpenIsAccepted(t *testing.T) {
	key := newKey(t, Ed25519)
	s := stated(t, certified())
	envelope := strings.TrimSpace(string(signed(t, s, key)))
	var parts dsse.Envelope
	if err := json.Unmarshal([]byte(envelope), &parts); err != nil {
		t.Fatal(err)
	}
	toURL := strings.NewReplacer("+", "-", "/", "_")
	for name, text := range map[string]string{
		"unknown members":                `{"later":{"a":[1]},` + strings.TrimPrefix(envelope, "{"),
		"no keyid":                       strings.Replace(envelope, `"keyid":"`+key.Public().ID()+`",`, "", 1),
		"an empty keyid":                 strings.Replace(envelope, key.Public().ID(), "", 1),
		"white space":                    "\n\t" + strings.ReplaceAll(envelope, `":`, "\" :\n") + "\r\n ",
		"URL base64":                     `{"payloadType":"` + PayloadType + `","payload":"` + toURL.Replace(parts.Payload) + `","signatures":[{"sig":"` + toURL.Replace(parts.Signatures[0].Sig) + `"}]}`,
		"another signature, which fails": strings.Replace(envelope, `"signatures":[`, `"signatures":[{"sig":"AAAA"},`, 1),
	} {
		if got, err := Verify([]byte(text), trusting(key.Public())); err != nil || !reflect.DeepEqual(got.Statement, s) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASignatureForAnotherPayloadTypeIsNoSignature(t *testing.T) {
	key := newKey(t, Ed25519)
	payload, err := encode(stated(t, certified()))
	if err != nil {
		t.Fatal(err)
	}
	signature, err := key.Sign(t.Context(), dsse.PAE("application/other", payload))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Verify(sealed(string(payload), `{"sig":"`+base64.StdEncoding.EncodeToString(signature)+`"}`), trusting(key.Public()))
	wantOnly(t, "another payload type", got, err, ErrSignature)
}

func TestASignatureOverSomethingThatIsNoCertificationIsRefused(t *testing.T) {
	key := newKey(t, Ed25519)
	payload, err := encode(stated(t, certified()))
	if err != nil {
		t.Fatal(err)
	}
	good := string(payload)
	replaced := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%s is not in %s", old, good)
		}
		return strings.Replace(good, old, with, 1)
	}
	of := func(change func(*report.Contract)) string {
		s := stated(t, certified())
		change(&s.Predicate.Certification.Contract)
		var err error
		if s.Predicate.Configuration, err = configurationOf(s.Predicate.Certification); err != nil {
			t.Fatal(err)
		}
		payload, err := encode(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(payload)
	}
	digest := strings.TrimPrefix(imageDigest, "sha256:")
	before, _, _ := strings.Cut(good, CertificationURI)
	for name, c := range map[string]struct {
		payload string
		want    error
	}{
		"as it is":                  {good, nil},
		"an unknown member":         {replaced(`{"_type"`, `{"later":1,"_type"`), nil},
		"one in the predicate":      {replaced(`{"result"`, `{"later":{},"result"`), nil},
		"one in the certification":  {replaced(`"verdict":`, `"later":1,"verdict":`), nil},
		"nothing":                   {"", ErrMalformed},
		"null":                      {"null", ErrMalformed},
		"no statement":              {`{"hello":"world"}`, ErrMalformed},
		"something behind it":       {good + "{}", ErrMalformed},
		"another statement type":    {replaced("Statement/v1", "Statement/v0.1"), ErrMalformed},
		"no subject":                {replaced(`"subject":[{`, `"subject":[],"was":[{`), ErrMalformed},
		"two subjects":              {replaced(`"subject":[{`, `"subject":[{"name":"x","digest":{"sha256":"`+digest+`"}},{`), ErrMalformed},
		"two digests":               {replaced(`"sha256":"`+digest+`"`, `"sha256":"`+digest+`","sha512":"00"`), ErrMalformed},
		"a digest of another kind":  {replaced(`"sha256":"`+digest+`"`, `"sha512":"`+digest+`"`), ErrMalformed},
		"a digest in capitals":      {replaced(digest, strings.ToUpper(digest)), ErrMalformed},
		"a member twice":            {replaced(`"result":"PASSED"`, `"result":"FAILED","result":"PASSED"`), ErrMalformed},
		"a member in capitals too":  {replaced(`"result":"PASSED"`, `"result":"FAILED","Result":"PASSED"`), ErrMalformed},
		"a Kelvin sign for a k":     {replaced(`"_type"`, `"k":1,"`+"\u212a"+`":1,"_type"`), ErrMalformed},
		"a long s for an s":         {replaced(`"subject":`, `"`+"\u017f"+`ubject":[],"subject":`), ErrMalformed},
		"another configuration":     {replaced(`contract/scf-webserver-image/2026.11`, `contract/other/1999`), ErrPredicate},
		"an outcome of no meaning":  {replaced(`"outcome":"pass"`, `"outcome":"error"`), ErrPredicate},
		"a number for a text":       {replaced(`"result":"PASSED"`, `"result":1`), ErrMalformed},
		"a time that is none":       {replaced(`"2026-11-02T03:05:00Z"`, `"yesterday"`), ErrMalformed},
		"another predicate type":    {replaced("test-result/v0.1", "test-result/v9"), ErrPredicate},
		"no predicate":              {replaced(`"predicate":`, `"was":`), ErrPredicate},
		"no certification":          {replaced(CertificationURI, "https://example.com"), ErrPredicate},
		"a certification v2":        {replaced("certification/v1", "certification/v2"), ErrPredicate},
		"a certification of null":   {before + CertificationURI + `":null}}`, ErrPredicate},
		"another result":            {replaced("PASSED", "FAILED"), ErrPredicate},
		"a better verdict":          {replaced(`"verdict":"conformant"`, `"verdict":"conformant-with-waivers"`), ErrPredicate},
		"an inconclusive verdict":   {replaced(`"verdict":"conformant"`, `"verdict":"inconclusive"`), ErrPredicate},
		"type auto":                 {replaced(`"type":"event"`, `"type":"auto"`), ErrPredicate},
		"a test more":               {replaced(`"passedTests":[`, `"passedTests":["start.time",`), ErrPredicate},
		"a warning less":            {replaced(`"warnedTests":["image.tag"]`, `"warnedTests":[]`), ErrPredicate},
		"a failure more":            {replaced(`"failedTests":[]`, `"failedTests":["x"]`), ErrPredicate},
		"a failure hidden":          {replaced(`"outcome":"pass"`, `"outcome":"fail"`), ErrPredicate},
		"no contract version":       {replaced(`"version":"2026.11"`, `"version":""`), ErrPredicate},
		"no end":                    {replaced(`"finishedAt":`, `"was":`), ErrPredicate},
		"an end before the start":   {replaced(`"2026-11-02T03:05:00Z"`, `"2026-11-02T03:03:00Z"`), ErrPredicate},
		"no digest of the report":   {replaced(`"reportDigest"`, `"was"`), ErrPredicate},
		"a contract of other name":  {of(func(c *report.Contract) { c.Name = "other\x1b[2J" }), ErrContract},
		"a version with an escape":  {of(func(c *report.Contract) { c.Version = "\x1b[2J" }), ErrContract},
		"a requirement of no name":  {replaced(`"id":"image.manifest"`, `"id":""`), ErrPredicate},
		"an outcome without advice": {replaced(`"outcome":"warn"`, `"outcome":"pass"`), ErrPredicate},
	} {
		got, err := Verify(vouched(t, c.payload, key), trusting(key.Public()))
		if c.want != nil {
			wantOnly(t, name, got, err, c.want)
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSignRefusesWhatVerifyWouldRefuse(t *testing.T) {
	key := newKey(t, Ed25519)
	large := stated(t, certified())
	large.Predicate.Certification.Readings["x"] = strings.Repeat("x", MaxBytes)
	var err error
	if large.Predicate.Configuration, err = configurationOf(large.Predicate.Certification); err != nil {
		t.Fatal(err)
	}
	other := stated(t, certified())
	other.Predicate.Result = Failed
	for name, c := range map[string]struct {
		statement Statement
		signer    Signer
		want      error
	}{
		"an empty statement":        {Statement{}, key, ErrMalformed},
		"a statement too large":     {large, key, ErrMalformed},
		"a contradiction":           {other, key, ErrPredicate},
		"an empty key":              {stated(t, certified()), PrivateKey{}, ErrKey},
		"no signer":                 {stated(t, certified()), nil, ErrSigner},
		"a signer of another key":   {stated(t, certified()), mixed{key, newKey(t, Ed25519).Public()}, ErrSigner},
		"a signer of another kind":  {stated(t, certified()), mixed{key, newKey(t, ECDSAP256).Public()}, ErrSigner},
		"a signer of an empty key":  {stated(t, certified()), mixed{key, PublicKey{}}, ErrSigner},
		"a signer without a result": {stated(t, certified()), silent{key}, ErrSigner},
	} {
		envelope, err := Sign(t.Context(), c.statement, c.signer)
		if !errors.Is(err, c.want) || envelope != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// mixed signs with one key and names another.
type mixed struct {
	Signer

	public PublicKey
}

func (m mixed) Public() PublicKey { return m.public }

// silent gives no signature.
type silent struct{ Signer }

func (silent) Sign(context.Context, []byte) ([]byte, error) { return nil, nil }

// FuzzVerify looks for input that panics, that verifies without the key, and that verifies as something else.
func FuzzVerify(f *testing.F) {
	key, stranger := fixedKey(f, 'A'), fixedKey(f, 'B')
	payloads := map[string]bool{}
	for _, r := range []report.Report{certified(), waived(), failed()} {
		s := stated(f, r)
		payload, err := encode(s)
		if err != nil {
			f.Fatal(err)
		}
		payloads[string(payload)] = true
		envelope := signed(f, s, key)
		f.Add(envelope)
		f.Add(envelope[:len(envelope)/2])
		f.Add(bytes.Replace(envelope, []byte(key.Public().ID()), nil, 1))
		f.Add(signed(f, s, stranger))
	}
	f.Add(vouched(f, "{}", key))
	f.Add([]byte(`{"payload":"","payloadType":"","signatures":[{"sig":""}]}`))
	f.Add([]byte(strings.Repeat("[", 100)))
	opts := trusting(key.Public())
	opts.Verdicts = []report.Verdict{report.Conformant, report.WithWaivers, report.NonConformant}
	unknown := opts
	unknown.Keys = []Key{{Public: newKey(f, ECDSAP256).Public()}, {Public: fixedKey(f, 'C').Public()}}
	f.Fuzz(func(t *testing.T, envelope []byte) {
		got, err := Verify(envelope, opts)
		if err == nil && !payloads[string(got.Payload)] {
			t.Fatalf("%q was never signed", got.Payload)
		}
		if err != nil {
			known := 0
			for _, sentinel := range sentinels() {
				if errors.Is(err, sentinel) {
					known++
				}
			}
			if known != 1 {
				t.Fatalf("%v is %d sentinels", err, known)
			}
		}
		if _, err := Verify(envelope, unknown); err == nil {
			t.Fatal("it verifies with a key that never signed")
		}
		// The payload alone gets as far as a signature would let it.
		if s, err := readStatement(envelope); err == nil {
			_ = opts.accept(&s, finished)
		}
	})
}

func TestAWaiverThatHasExpiredSinceCountsNoMore(t *testing.T) {
	key := newKey(t, Ed25519)
	envelope := signed(t, stated(t, waived()), key)
	opts := trusting(key.Public())
	opts.Verdicts = []report.Verdict{report.Conformant, report.WithWaivers}
	opts.MaxAge = 0
	lastDay := time.Date(2027, 1, 1, 23, 59, 59, 0, time.UTC)
	opts.Now = func() time.Time { return lastDay }
	if _, err := Verify(envelope, opts); err != nil {
		t.Errorf("on the last day: %v", err)
	}
	opts.Now = func() time.Time { return lastDay.Add(time.Second) }
	got, err := Verify(envelope, opts)
	wantOnly(t, "a day later", got, err, ErrVerdict)
}

func TestAnEnvelopeTellsWhichImageItIsAbout(t *testing.T) {
	envelope := signed(t, stated(t, certified()), newKey(t, Ed25519))
	if got, err := DigestOf(envelope); err != nil || got != imageDigest {
		t.Errorf("it is about %q: %v", got, err)
	}
	for name, c := range map[string]struct {
		envelope []byte
		want     error
	}{
		"no envelope":   {[]byte("{}"), ErrMalformed},
		"too large":     {make([]byte, MaxBytes+1), ErrMalformed},
		"no statement":  {sealed("[]", `{"sig":""}`), ErrMalformed},
		"another claim": {sealed(`{"_type":"`+StatementType+`","subject":[{"digest":{"sha256":"`+strings.Repeat("0", 64)+`"}}],"predicateType":"x"}`, `{"sig":""}`), ErrPredicate},
	} {
		if got, err := DigestOf(c.envelope); got != "" || !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
