package sandbox

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// listening is the state LISTEN in the kernel's socket tables.
const listening = "0A"

// parseTable reads the sockets in state LISTEN from the text of /proc/PID/net/tcp or tcp6.
func parseTable(text []byte) ([]diagnose.Listener, error) {
	var found []diagnose.Listener
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) < 4 || string(fields[3]) != listening {
			continue // the heading, or a socket in another state
		}
		address, err := parseAddress(string(fields[1]))
		if err != nil {
			return nil, err
		}
		found = append(found, diagnose.Listener{Address: address})
	}
	return found, nil
}

// parseAddress reads "0100007F:2328": words of the address in the machine's byte order, the port as a number.
func parseAddress(field string) (netip.AddrPort, error) {
	host, port, found := bytes.Cut([]byte(field), []byte(":"))
	raw := make([]byte, hex.DecodedLen(len(host)))
	if _, err := hex.Decode(raw, host); err != nil || !found || len(raw)%4 != 0 {
		return netip.AddrPort{}, fmt.Errorf("socket table holds %q, which is no address", field)
	}
	for word := 0; word < len(raw); word += 4 {
		binary.BigEndian.PutUint32(raw[word:], binary.NativeEndian.Uint32(raw[word:]))
	}
	address, ok := netip.AddrFromSlice(raw)
	number, err := strconv.ParseUint(string(port), 16, 16)
	if err != nil || !ok {
		return netip.AddrPort{}, fmt.Errorf("socket table holds %q, which is no address", field)
	}
	return netip.AddrPortFrom(address, uint16(number)), nil
}
