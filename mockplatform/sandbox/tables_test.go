package sandbox

import (
	"fmt"
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
