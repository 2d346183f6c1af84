package statement

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Kind is a kind of key.
type Kind string

// The kinds of keys.
const (
	Ed25519   Kind = "ed25519"
	ECDSAP256 Kind = "ecdsa-p256" // signatures are ASN.1 DER over SHA-256
)

const (
	maxKeyBytes = 64 << 10
	privatePEM  = "PRIVATE KEY"
	publicPEM   = "PUBLIC KEY"
)

// PublicKey verifies. Its zero value verifies nothing.
type PublicKey struct {
	key  crypto.PublicKey
	kind Kind
	id   string
}

// ID is the sha256 of the key's PKIX DER, in hex.
func (k PublicKey) ID() string { return k.id }

// Kind is the key's kind; empty for the zero value.
func (k PublicKey) Kind() Kind { return k.kind }

// verifies tells whether the signature over the message is by this key.
func (k PublicKey) verifies(message, signature []byte) bool {
	switch key := k.key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(key, message, signature)
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(message)
		return ecdsa.VerifyASN1(key, sum[:], signature)
	default:
		return false
	}
}

// Key is a public key that is trusted.
type Key struct {
	Public PublicKey
	// NotAfter ends the trust: what was certified or is verified later is refused. Zero means never.
	NotAfter time.Time
}

// PrivateKey signs. It prints as its public key's id, whatever the verb.
type PrivateKey struct {
	signer crypto.Signer
	public PublicKey
}

// Public is the public key.
func (k PrivateKey) Public() PublicKey { return k.public }

// Format keeps the key out of texts and logs.
func (k PrivateKey) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, "private key of "+k.public.id)
}

// Sign signs a message. The error is ErrSigner or ErrKey.
func (k PrivateKey) Sign(_ context.Context, message []byte) ([]byte, error) {
	var signature []byte
	var err error
	switch k.public.kind {
	case Ed25519:
		signature, err = k.signer.Sign(rand.Reader, message, crypto.Hash(0))
	case ECDSAP256:
		sum := sha256.Sum256(message)
		signature, err = k.signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	default:
		return nil, refuse(ErrKey, "there is no private key; read one with ParsePrivateKey")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	return signature, nil
}

// GenerateKey makes a key pair as PEM, PKCS#8 and PKIX. The error is ErrKey for a kind that there is not.
func GenerateKey(kind Kind) (private, public []byte, err error) {
	var signer crypto.Signer
	switch kind {
	case Ed25519:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	case ECDSAP256:
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		return nil, nil, refuse(ErrKey, "there is no kind %s; take %s or %s", shown(string(kind)), Ed25519, ECDSAP256)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return nil, nil, errors.New("generate key: the private key cannot be encoded")
	}
	publicDER, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: privatePEM, Bytes: privateDER}), pem.EncodeToMemory(&pem.Block{Type: publicPEM, Bytes: publicDER}), nil
}

// ParsePrivateKey reads one PKCS#8 key in PEM. The error is ErrKey and holds nothing of the key.
func ParsePrivateKey(text []byte) (PrivateKey, error) {
	der, err := block(text, privatePEM)
	if err != nil {
		return PrivateKey{}, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil { // which is not shown: nobody promises that it holds nothing of the key
		return PrivateKey{}, refuse(ErrKey, "the private key is no valid PKCS#8; make one with \"openssl genpkey -algorithm ed25519\"")
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return PrivateKey{}, wrongKind()
	}
	public, err := publicKey(signer.Public())
	if err != nil {
		return PrivateKey{}, err
	}
	return PrivateKey{signer: signer, public: public}, nil
}

// ParsePublicKey reads one PKIX key in PEM. The error is ErrKey.
func ParsePublicKey(text []byte) (PublicKey, error) {
	der, err := block(text, publicPEM)
	if err != nil {
		return PublicKey{}, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return PublicKey{}, refuse(ErrKey, "the public key is no valid PKIX; make it with \"openssl pkey -pubout\"")
	}
	return publicKey(parsed)
}

// publicKey takes the kinds that we know.
func publicKey(parsed crypto.PublicKey) (PublicKey, error) {
	k := PublicKey{key: parsed}
	switch key := parsed.(type) {
	case ed25519.PublicKey:
		k.kind = Ed25519
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return PublicKey{}, wrongKind()
		}
		k.kind = ECDSAP256
	default:
		return PublicKey{}, wrongKind()
	}
	der, err := x509.MarshalPKIXPublicKey(parsed)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	sum := sha256.Sum256(der)
	k.id = hex.EncodeToString(sum[:])
	return k, nil
}

func wrongKind() error {
	return refuse(ErrKey, "it is of a kind that is not supported; take Ed25519 or ECDSA on P-256")
}

// block is the one PEM block of a text.
func block(text []byte, want string) ([]byte, error) {
	if len(text) > maxKeyBytes {
		return nil, refuse(ErrKey, "its file has more than %d bytes; give a PEM file with one key", maxKeyBytes)
	}
	found, rest := pem.Decode(text)
	switch {
	case found == nil:
		return nil, refuse(ErrKey, "its file holds no PEM; give one that begins with -----BEGIN %s-----", want)
	case strings.TrimSpace(string(rest)) != "":
		return nil, refuse(ErrKey, "its file holds more than one PEM block; give a file with one key")
	case found.Type == want:
		return found.Bytes, nil
	case want == publicPEM && strings.HasSuffix(found.Type, privatePEM):
		return nil, refuse(ErrKey, "this is a private key where the public one is needed; make that with \"openssl pkey -pubout\", and keep the private one to yourself")
	case found.Type == "EC PRIVATE KEY":
		return nil, refuse(ErrKey, "the private key is SEC 1 and not PKCS#8; convert it with \"openssl pkcs8 -topk8 -nocrypt\"")
	case found.Type == "ENCRYPTED PRIVATE KEY":
		return nil, refuse(ErrKey, "the private key is encrypted; decrypt it, or sign with a command that can")
	default:
		return nil, refuse(ErrKey, "its PEM is of type %s and not %s; give the right file", shown(found.Type), want)
	}
}
