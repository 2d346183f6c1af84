package sandbox

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

const heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

func TestListenersAreReadFromTheSocketTables(t *testing.T) {
	cases := map[string]struct {
		text string
		want string
	}{
		"wildcard IPv4":          {"   0: 00000000:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n", "[0.0.0.0:9000]"},
		"loopback only":          {"   0: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n", "[127.0.0.1:9000]"},
		"wildcard IPv6":          {"   0: 00000000000000000000000000000000:2328 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 1\n", "[[::]:9000]"},
		"loopback IPv6":          {"   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 1\n", "[[::1]:8080]"},
		"an established one":     {"   0: 0100007F:2328 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 1\n", "[]"},
		"nothing but the header": {"", "[]"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			found, err := parseTable([]byte(heading + c.text))
			if err != nil {
				t.Fatal(err)
			}
			var addresses []string
			for _, listener := range found {
				addresses = append(addresses, listener.Address.String())
			}
			if got := fmt.Sprint(addresses); got != c.want {
				t.Errorf("found %s, want %s", got, c.want)
			}
		})
	}
}

func TestABrokenSocketTableIsAnError(t *testing.T) {
	for _, address := range []string{"zz:2328", "0100007F", "0100007F:", "01:2328", "0100007F:12345"} {
		if found, err := parseTable([]byte(fmt.Sprintf("   0: %s 00000000:0000 0A 0\n", address))); err == nil {
			t.Errorf("address %q is read as %v", address, found)
		}
	}
}

// kernels is an address as the kernel writes it.
func kernels(address netip.AddrPort) string {
	var b strings.Builder
	for raw := address.Addr().AsSlice(); len(raw) > 0; raw = raw[4:] {
		fmt.Fprintf(&b, "%08X", binary.NativeEndian.Uint32(raw))
	}
	return fmt.Sprintf("%s:%04X", b.String(), address.Port())
}

// FuzzParseTable holds that a listener is what a line of the table says, and that any address and port is read back from
// what the kernel makes of it.
func FuzzParseTable(f *testing.F) {
	for _, seed := range []string{
		heading + "   0: 00000000:2328 00000000:0000 0A 0\n", "0: 00000000000000000000000001000000:1F90 x 0A\r\n1: 0100007F:C350 x 01\n", "a 1:2 x 0A", "a zz:1 x 0A\n",
		"a 0000000000000000FFFF00000100007F:FFFF x 0A", "a 01000000000000000000000:1 x 0A", "a : x 0A", "a 00000000:0_1 x 0A",
	} {
		f.Add([]byte(seed), []byte{127, 0, 0, 1}, uint16(9000))
		f.Add([]byte(seed), []byte{15: 1}, uint16(0))
	}
	f.Fuzz(func(t *testing.T, table, raw []byte, port uint16) {
		found, err := parseTable(table)
		if err != nil && found != nil {
			t.Errorf("%v comes with %v", err, found)
		}
		if lines := strings.Count(string(table), "\n") + 1; len(found) > lines {
			t.Errorf("%d listeners in %d lines", len(found), lines)
		}
		for _, listener := range found {
			// A port may be written with other zeros before it.
			if host, _, _ := strings.Cut(kernels(listener.Address), ":"); !strings.Contains(strings.ToUpper(string(table)), host+":") {
				t.Errorf("%s is not in %q", listener.Address, table)
			}
		}
		address, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		want := netip.AddrPortFrom(address, port)
		got, err := parseTable([]byte(heading + "0: " + kernels(want) + " 0:0 0A 0\n"))
		if err != nil || len(got) != 1 || got[0].Address != want {
			t.Errorf("%s is read as %v, %v", want, got, err)
		}
	})
}
