package statement

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

// maxSkew is how far a statement may be ahead of our clock.
const maxSkew = 5 * time.Minute

// VerifyOptions is what a statement is measured by.
type VerifyOptions struct {
	// Keys are trusted; a signature by one of them is enough. Where a key is given twice, it expires at the earlier time.
	Keys []Key
	// Digest is the image's manifest digest, sha256:HEX. It must be given: a statement about another image says nothing.
	Digest string
	// Contracts are the versions of the contract that are accepted; none: only that of this build.
	Contracts []string
	// Verdicts are accepted; none: only conformant.
	Verdicts []report.Verdict
	// Type is the function type that must have been certified, event or http; empty accepts both.
	Type string
	// MaxAge is how long ago the certification may have ended; 0 accepts any age.
	MaxAge time.Duration
	// Now tells the time; nil: time.Now.
	Now func() time.Time
}

// Verified is a statement that holds.
type Verified struct {
	Statement Statement
	// Payload is what was signed.
	Payload []byte
	// KeyID is the id of a key that signed it and is trusted.
	KeyID string
}

// Verify reads a DSSE envelope that may come from anybody and tells whether its statement holds. The error is exactly one
// of ErrMalformed, ErrSignature, ErrKey, ErrPredicate, ErrDigest, ErrContract, ErrType, ErrVerdict and ErrAge.
func Verify(envelope []byte, opts VerifyOptions) (Verified, error) {
	if err := opts.Check(); err != nil {
		return Verified{}, err
	}
	now := time.Now()
	if opts.Now != nil {
		now = opts.Now()
	}
	read, err := readEnvelope(envelope)
	if err != nil {
		return Verified{}, err
	}
	accepted, payload, err := opts.signed(read)
	if err != nil {
		return Verified{}, err
	}
	statement, err := readStatement(payload)
	if err != nil {
		return Verified{}, err
	}
	c := statement.Predicate.Certification
	keyID, err := opts.inForce(accepted, c.FinishedAt, now)
	if err != nil {
		return Verified{}, err
	}
	if err := opts.accept(&statement, now); err != nil {
		return Verified{}, err
	}
	return Verified{Statement: statement, Payload: payload, KeyID: keyID}, nil
}

// DigestOf tells the manifest digest that an envelope is about, as sha256:HEX. It does not ask whether a signature holds, so
// nothing may rest on it. The error is ErrMalformed or ErrPredicate.
func DigestOf(envelope []byte) (string, error) {
	read, err := readEnvelope(envelope)
	if err != nil {
		return "", err
	}
	payload, err := decode64(read.Payload)
	if err != nil {
		return "", refuse(ErrMalformed, "payload is no base64; take the file that was signed")
	}
	s, err := readStatement(payload)
	if err != nil {
		return "", err
	}
	return s.digest(), nil
}

// Check refuses options with which no statement could hold, or any. Verify does so too. The error is one of Verify's.
func (o *VerifyOptions) Check() error {
	switch {
	case len(o.Keys) == 0:
		return refuse(ErrKey, "no public key was given; give the signer's")
	case slices.ContainsFunc(o.Keys, func(k Key) bool { return k.Public.Kind() == "" }):
		return refuse(ErrKey, "a public key is empty; read it with ParsePublicKey")
	case !isDigest(o.Digest):
		return refuse(ErrDigest, "the expected digest %s is none; give the digest of the image's manifest for linux/amd64, and not of an index, as sha256: and 64 lower-case hex digits", shown(o.Digest))
	case o.Type != "" && o.Type != requirement.Event && o.Type != requirement.HTTP:
		return refuse(ErrType, "there is no type %s; take event or http", shown(o.Type))
	case o.MaxAge < 0:
		return refuse(ErrAge, "the age %s is below 0; give how old a statement may be", o.MaxAge)
	}
	return nil
}

// signed gives the keys that signed the envelope, and what they signed. The error is ErrSignature.
func (o *VerifyOptions) signed(e *dsse.Envelope) ([]dsse.AcceptedKey, []byte, error) {
	seen := map[string]bool{}
	var keys []dsse.Verifier
	for _, key := range o.Keys {
		if !seen[key.Public.ID()] {
			seen[key.Public.ID()] = true
			keys = append(keys, verifying{key.Public})
		}
	}
	verifier, err := dsse.NewEnvelopeVerifier(keys...)
	if err != nil {
		return nil, nil, refuse(ErrKey, "%s", plain(err))
	}
	accepted, payload, err := verifier.VerifyAndDecode(context.Background(), e)
	if err != nil || len(accepted) == 0 {
		return nil, nil, refuse(ErrSignature, "none of the envelope's signatures is by a key that was given (%s); give the signer's public key, or do not trust this statement", strings.Join(keyIDs(o.Keys), ", "))
	}
	return accepted, payload, nil
}

// keyIDs are the first digits of the keys' ids, which is enough to tell them apart.
func keyIDs(keys []Key) []string {
	const enough = 12
	ids := make([]string, len(keys))
	for n, key := range keys {
		ids[n] = key.Public.ID()[:enough]
	}
	return ids
}

// readStatement reads what was signed. Members that we do not know are left alone, as in-toto wants. The error is
// ErrMalformed or ErrPredicate.
func readStatement(payload []byte) (Statement, error) {
	var s Statement
	if err := strict(payload); err != nil {
		return s, refuse(ErrMalformed, "the statement is no JSON that can be trusted: %s; do not trust what made it", plain(err))
	}
	if err := json.Unmarshal(payload, &s); err != nil {
		return s, refuse(ErrMalformed, "the statement has another form than in-toto's: %s; take a statement that scfcert made", plain(err))
	}
	return s, s.check()
}

// inForce is the id of a key that signed and that had not expired, neither then nor now. The error is ErrKey.
func (o *VerifyOptions) inForce(accepted []dsse.AcceptedKey, finished, now time.Time) (string, error) {
	for _, signed := range accepted {
		expired := slices.ContainsFunc(o.Keys, func(k Key) bool {
			return k.Public.ID() == signed.KeyID && !k.NotAfter.IsZero() && (finished.After(k.NotAfter) || now.After(k.NotAfter))
		})
		if !expired {
			return signed.KeyID, nil
		}
	}
	return "", refuse(ErrKey, "the key %s, which signed the statement, has expired; certify the image again and sign with a key that is in force", accepted[0].KeyID)
}

// accept measures a statement by the options.
func (o *VerifyOptions) accept(s *Statement, now time.Time) error {
	c := s.Predicate.Certification
	if s.digest() != o.Digest {
		return refuse(ErrDigest, "it is about %s and not about %s; take the statement of this image", s.digest(), o.Digest)
	}
	if err := o.acceptContract(c.Contract); err != nil {
		return err
	}
	if o.Type != "" && c.Function.Type != o.Type {
		return refuse(ErrType, "it was certified as function of type %s and not %s; certify it with --type %s", c.Function.Type, o.Type, o.Type)
	}
	verdicts := o.Verdicts
	if len(verdicts) == 0 {
		verdicts = []report.Verdict{report.Conformant}
	}
	if !slices.Contains(verdicts, c.Verdict) {
		return refuse(ErrVerdict, "the verdict is %s; mend the image and certify it again, or accept that verdict", c.Verdict)
	}
	for _, w := range c.Waivers {
		if !holds(w, now) {
			return refuse(ErrVerdict, "the waiver of %s has expired, on %s; mend the image and certify it again", w.Requirement, w.Expires)
		}
	}
	return o.acceptAge(c.FinishedAt, now)
}

func (o *VerifyOptions) acceptContract(c report.Contract) error {
	versions := o.Contracts
	if len(versions) == 0 {
		versions = []string{contract.Version}
	}
	if c.Name != contract.Name || !slices.Contains(versions, c.Version) {
		return refuse(ErrContract, "it was certified against %s %s and accepted is %s %s; certify it against that",
			shown(c.Name), shown(c.Version), contract.Name, strings.Join(versions, ", "))
	}
	return nil
}

func (o *VerifyOptions) acceptAge(finished, now time.Time) error {
	switch age := now.Sub(finished); {
	case age < -maxSkew:
		return refuse(ErrAge, "the certification ended at %s, %s from now; set the clocks right", finished.Format(time.RFC3339), (-age).Round(time.Second))
	case o.MaxAge > 0 && age > o.MaxAge:
		return refuse(ErrAge, "the certification ended %s ago and may be %s old; certify the image again", age.Round(time.Second), o.MaxAge)
	}
	return nil
}
