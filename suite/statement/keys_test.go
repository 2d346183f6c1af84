package statement

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

func kinds() []Kind { return []Kind{Ed25519, ECDSAP256} }

// newKey makes a key of a kind, through its files.
func newKey(t testing.TB, kind Kind) PrivateKey {
	t.Helper()
	private, public, err := GenerateKey(kind)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ParsePublicKey(public)
	if err != nil || read.ID() != key.Public().ID() || read.Kind() != kind || len(read.ID()) != 64 {
		t.Fatalf("%v: %q of kind %q belongs to %q", err, read.ID(), read.Kind(), key.Public().ID())
	}
	return key
}

// fixedKey is an Ed25519 key that is the same in every process.
func fixedKey(t testing.TB, seed byte) PrivateKey {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize))))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParsePrivateKey(pemOf("PRIVATE KEY", der))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestAKeyIDIsTheHashOfThePKIXDER(t *testing.T) {
	// Made with: openssl genpkey, all 32 bytes of the seed being 'A'; openssl pkey -pubout -outform DER | sha256sum.
	if got, want := fixedKey(t, 'A').Public().ID(), "21981d07157626519dc4de7c1c09043877f8e66afd3554169bf9496df8419f50"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTheEncodingIsThatOfTheSpecification(t *testing.T) {
	if got := string(dsse.PAE("http://example.com/HelloWorld", []byte("hello world"))); got != "DSSEv1 29 http://example.com/HelloWorld 11 hello world" {
		t.Error(got)
	}
}

func TestTheSignatureOfTheSpecificationVerifies(t *testing.T) {
	number := func(text string) *big.Int {
		n, _ := new(big.Int).SetString(text, 10)
		return n
	}
	x, y := number("46950820868899156662930047687818585632848591499744589407958293238635476079160"), number("5640078356564379163099075877009565129882514886557779369047442380624545832820")
	point := slices.Concat([]byte{4}, x.FillBytes(make([]byte, 32)), y.FillBytes(make([]byte, 32)))
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString("A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==")
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])})
	if err != nil {
		t.Fatal(err)
	}
	public, err := publicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if message := dsse.PAE("http://example.com/HelloWorld", []byte("hello world")); !public.verifies(message, der) {
		t.Error("it does not verify")
	} else if message[0]++; public.verifies(message, der) {
		t.Error("it verifies something else")
	}
}

func TestThereIsNoOtherKindOfKey(t *testing.T) {
	if _, _, err := GenerateKey("rsa"); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if _, err := (PrivateKey{}).Sign(t.Context(), nil); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if (PublicKey{}).verifies(nil, nil) {
		t.Error("the zero key verifies")
	}
}

// der encodes or fails.
func der(t *testing.T) func([]byte, error) []byte {
	return func(encoded []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return encoded
	}
}

func TestOtherKeyFilesAreRefusedAndNotShown(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, public, err := GenerateKey(ECDSAP256)
	if err != nil {
		t.Fatal(err)
	}
	broken := []byte(strings.Replace(string(private), "M", "N", 1))
	readPrivate := func(text []byte) error { _, err := ParsePrivateKey(text); return err }
	readPublic := func(text []byte) error { _, err := ParsePublicKey(text); return err }
	for name, c := range map[string]struct {
		read func([]byte) error
		text []byte
		says string
	}{
		"an RSA key":              {readPrivate, pemOf("PRIVATE KEY", der(t)(x509.MarshalPKCS8PrivateKey(rsaKey))), "not supported"},
		"a P-384 key":             {readPrivate, pemOf("PRIVATE KEY", der(t)(x509.MarshalPKCS8PrivateKey(p384))), "not supported"},
		"a SEC 1 key":             {readPrivate, pemOf("EC PRIVATE KEY", der(t)(x509.MarshalECPrivateKey(p256))), "openssl pkcs8"},
		"SEC 1 under PKCS#8":      {readPrivate, pemOf("PRIVATE KEY", der(t)(x509.MarshalECPrivateKey(p256))), "no valid PKCS#8"},
		"an encrypted key":        {readPrivate, pemOf("ENCRYPTED PRIVATE KEY", []byte("x")), "encrypted"},
		"a public for a private":  {readPrivate, public, "of type"},
		"two private keys":        {readPrivate, append(append([]byte{}, private...), private...), "more than one"},
		"a broken private key":    {readPrivate, broken, ""},
		"half a private key":      {readPrivate, private[:len(private)/2], "no PEM"},
		"no private key":          {readPrivate, nil, "no PEM"},
		"a huge file":             {readPrivate, make([]byte, maxKeyBytes+1), "more than"},
		"an RSA public key":       {readPublic, pemOf("PUBLIC KEY", der(t)(x509.MarshalPKIXPublicKey(rsaKey.Public()))), "not supported"},
		"a P-384 public key":      {readPublic, pemOf("PUBLIC KEY", der(t)(x509.MarshalPKIXPublicKey(p384.Public()))), "not supported"},
		"a private for a public":  {readPublic, private, "this is a private key"},
		"a certificate":           {readPublic, pemOf("CERTIFICATE", []byte("x")), "of type"},
		"a broken public key":     {readPublic, pemOf("PUBLIC KEY", []byte("x")), "no valid PKIX"},
		"a public key and more":   {readPublic, append(append([]byte{}, public...), 'x'), "more than one"},
		"text for a public key":   {readPublic, []byte("ssh-ed25519 AAAA"), "no PEM"},
		"nothing for public keys": {readPublic, nil, "no PEM"},
	} {
		err := c.read(c.text)
		if !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q in it", name, err, c.says)
			continue
		}
		for line := range strings.Lines(string(c.text)) {
			if line = strings.TrimSpace(line); len(line) > 8 && !strings.HasPrefix(line, "---") && strings.Contains(err.Error(), line[:8]) {
				t.Errorf("%s: the error shows the key: %v", name, err)
			}
		}
	}
}

func TestAPrivateKeyPrintsNothingOfItself(t *testing.T) {
	seed := strings.Repeat("A", ed25519.SeedSize)
	key := fixedKey(t, 'A')
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", key)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key)
	encoded, err := json.Marshal(map[string]any{"key": key})
	if err != nil {
		t.Fatal(err)
	}
	log.Write(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		for _, value := range []any{key, &key, []PrivateKey{key}, map[string]any{"key": key}, Signer(key)} {
			fmt.Fprintf(&log, verb, value)
		}
	}
	for _, secret := range []string{seed, hex.EncodeToString([]byte(seed[:4])), "65 65 65 65", "0x41, 0x41", base64.StdEncoding.EncodeToString([]byte(seed[:6]))} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%q stands in %s", secret, log.String())
		}
	}
}

// FuzzParseKey holds that a file is a key that works, and is the same when written again, or is refused without being
// shown.
func FuzzParseKey(f *testing.F) {
	p256, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), []byte(strings.Repeat("A", 32)))
	if err != nil {
		f.Fatal(err)
	}
	for _, key := range []interface{ Public() crypto.PublicKey }{ed25519.NewKeyFromSeed([]byte(strings.Repeat("A", ed25519.SeedSize))), p256} {
		private, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			f.Fatal(err)
		}
		public, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			f.Fatal(err)
		}
		for _, kind := range []string{"PRIVATE KEY", "PUBLIC KEY", "EC PRIVATE KEY", "CERTIFICATE"} {
			f.Add(pemOf(kind, private))
			f.Add(append([]byte("text before\n"), pemOf(kind, public)...))
		}
		f.Add(append(pemOf("PUBLIC KEY", public), pemOf("PRIVATE KEY", private)...))
		f.Add(bytes.Replace(pemOf("PRIVATE KEY", private), []byte("\n"), []byte("\nProc-Type: 4,ENCRYPTED\n\n"), 1))
	}
	f.Add(bytes.Repeat([]byte("-----BEGIN \n"), 100))
	f.Fuzz(func(t *testing.T, file []byte) {
		private, privateErr := ParsePrivateKey(file)
		public, err := ParsePublicKey(file)
		for _, err := range []error{privateErr, err} {
			if err != nil && (!errors.Is(err, ErrKey) || len(err.Error()) > 500) {
				t.Fatalf("not an ErrKey, or a long one: %v", err)
			}
			for line := range bytes.Lines(file) {
				if line = bytes.TrimSpace(line); err != nil && len(line) > 40 && strings.Contains(err.Error(), string(line)) {
					t.Fatalf("the error shows the file: %v", err)
				}
			}
		}
		if privateErr == nil {
			signature, err := private.Sign(t.Context(), file)
			if err != nil || !private.Public().verifies(file, signature) || private.Public().verifies(file[1:], signature) {
				t.Fatalf("the key %v does not work: %v", private, err)
			}
			public = private.Public()
		} else if err != nil {
			return
		}
		written, err := x509.MarshalPKIXPublicKey(public.key)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParsePublicKey(pemOf("PUBLIC KEY", written))
		if err != nil || again.ID() != public.ID() || !slices.Contains(kinds(), again.Kind()) {
			t.Fatalf("the key %s is %s when read back: %v", public.ID(), again.ID(), err)
		}
	})
}
