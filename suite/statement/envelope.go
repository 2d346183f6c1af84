package statement

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// PayloadType of every envelope.
const PayloadType = "application/vnd.in-toto+json"

const (
	// MaxBytes bounds an envelope.
	MaxBytes = 4 << 20
	// maxSignatures bounds the work that an envelope can ask for.
	maxSignatures = 16
)

// Signer signs a message: the pre-authentication encoding (PAE) of an envelope.
type Signer interface {
	Sign(ctx context.Context, message []byte) (signature []byte, err error)
	Public() PublicKey
}

// Sign puts a statement into a signed DSSE envelope. What the signer gives is verified before it is returned. The error
// is ErrSigner, ErrKey, or what Verify would say about the statement.
func Sign(ctx context.Context, s Statement, signer Signer) ([]byte, error) {
	if signer == nil {
		return nil, refuse(ErrSigner, "no signer was given; give a private key or a command")
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	payload, err := encode(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	envelopeSigner, err := dsse.NewEnvelopeSigner(signing{signer})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	envelope, err := envelopeSigner.SignPayload(ctx, PayloadType, payload)
	if err != nil {
		return nil, err //nolint:wrapcheck // the signer's own
	}
	text, err := encode(envelope)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	text = append(text, '\n')
	if len(text) > MaxBytes {
		return nil, refuse(ErrMalformed, "the envelope has %d bytes and may have %d; nobody could verify it", len(text), MaxBytes)
	}
	return text, nil
}

// signing is a Signer for the library.
type signing struct{ signer Signer }

func (s signing) KeyID() (string, error) { return s.signer.Public().ID(), nil }

func (s signing) Sign(ctx context.Context, message []byte) ([]byte, error) {
	signature, err := s.signer.Sign(ctx, message)
	if err != nil {
		return nil, err //nolint:wrapcheck // the signer's own
	}
	if !s.signer.Public().verifies(message, signature) {
		return nil, refuse(ErrSigner, "its signature does not verify with the public key given beside it; give the signer's own public key")
	}
	return signature, nil
}

// verifying is a PublicKey for the library.
type verifying struct{ PublicKey }

func (v verifying) KeyID() (string, error) { return v.id, nil }

func (v verifying) Public() crypto.PublicKey { return v.key }

func (v verifying) Verify(_ context.Context, message, signature []byte) error {
	if !v.verifies(message, signature) {
		return ErrSignature
	}
	return nil
}

// readEnvelope reads an envelope that nobody vouches for. Members that DSSE does not know are left alone, as it wants. The
// error is ErrMalformed.
func readEnvelope(text []byte) (*dsse.Envelope, error) {
	if len(text) > MaxBytes {
		return nil, refuse(ErrMalformed, "the envelope has %d bytes and may have %d; take the file that was signed", len(text), MaxBytes)
	}
	if err := strict(text); err != nil {
		return nil, refuse(ErrMalformed, "the envelope is no JSON that can be trusted: %s; take the file that was signed", plain(err))
	}
	e, err := envelopeOf(text)
	switch {
	case err != nil:
		return nil, refuse(ErrMalformed, "%s; take the file that was signed", plain(err))
	case e.PayloadType != PayloadType:
		return nil, refuse(ErrMalformed, "the payload type is %s and not %s; take a statement that scfcert made", shown(e.PayloadType), PayloadType)
	}
	return e, nil
}

// envelopeOf takes the members of an envelope by their exact names.
func envelopeOf(text []byte) (*dsse.Envelope, error) {
	members, err := object(text, "the envelope")
	if err != nil {
		return nil, err
	}
	e := &dsse.Envelope{}
	if e.PayloadType, err = member(members, "payloadType"); err != nil {
		return nil, err
	}
	if e.Payload, err = member(members, "payload"); err != nil {
		return nil, err
	}
	if _, err := decode64(e.Payload); err != nil {
		return nil, fmt.Errorf("payload is no base64 (%w)", err)
	}
	var signatures []json.RawMessage
	if json.Unmarshal(members["signatures"], &signatures) != nil || len(signatures) == 0 || len(signatures) > maxSignatures {
		return nil, fmt.Errorf("signatures must be a list of 1 to %d", maxSignatures)
	}
	for _, entry := range signatures {
		signature, err := signatureOf(entry)
		if err != nil {
			return nil, err
		}
		e.Signatures = append(e.Signatures, signature)
	}
	return e, nil
}

func signatureOf(text []byte) (dsse.Signature, error) {
	var s dsse.Signature
	members, err := object(text, "a signature")
	if err != nil {
		return s, err
	}
	if _, given := members["keyid"]; given { // which is only a hint
		if s.KeyID, err = member(members, "keyid"); err != nil {
			return s, err
		}
	}
	if s.Sig, err = member(members, "sig"); err != nil {
		return s, err
	}
	if _, err := decode64(s.Sig); err != nil {
		return s, fmt.Errorf("sig is no base64 (%w)", err)
	}
	return s, nil
}

// object is a JSON object by its members.
func object(text []byte, called string) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members == nil {
		return nil, errors.New(called + " is no JSON object")
	}
	return members, nil
}

// member is a member that must be there and be a string.
func member(members map[string]json.RawMessage, called string) (string, error) {
	var value *string
	if json.Unmarshal(members[called], &value) != nil || value == nil {
		return "", errors.New(called + " is missing or no string")
	}
	return *value, nil
}

// decode64 reads base64 in one of the two spellings that DSSE allows.
func decode64(text string) ([]byte, error) {
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
		return decoded, nil
	}
	return base64.URLEncoding.DecodeString(text) //nolint:wrapcheck // wrapped by the callers
}
