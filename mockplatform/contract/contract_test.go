package contract

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The expected values are typed from the documents, not taken from the code.

func TestTheCommonHeadersAreThoseOfTheSeedInItsOrder(t *testing.T) {
	want := []string{
		"X-Scf-Request-Id", "X-Scf-Memory", "X-Scf-Timeout", "X-Scf-Version", "X-Scf-Name", "X-Scf-Namespace", "X-Scf-Region",
		"X-Scf-Appid", "X-Scf-Uin", "X-Scf-Session-Token", "X-Scf-Secret-Id", "X-Scf-Secret-Key", "X-Scf-Trigger-Src",
	}
	var got, credentials []string
	for _, h := range Headers() {
		got = append(got, h.Name)
		if h.Credential {
			credentials = append(credentials, h.Name)
		}
		if h.Clause == "" || h.Description == "" {
			t.Errorf("%s is not complete", h.Name)
		}
		if h.TimerOnly != (h.Name == "X-Scf-Trigger-Src") {
			t.Errorf("%s: only for timers: %v", h.Name, h.TimerOnly)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("headers are %v", got)
	}
	if !slices.Equal(credentials, []string{"X-Scf-Session-Token", "X-Scf-Secret-Id", "X-Scf-Secret-Key"}) {
		t.Errorf("credentials are %v", credentials)
	}
}

func TestTheEnvironmentIsThatOfTheSeed(t *testing.T) {
	want := map[string]string{
		"TENCENTCLOUD_RUNENV": "SCF", "USER_CODE_ROOT": "/var/user/", "USER": "qcloud", "SCF_FUNCTIONNAME": "",
		"SCF_FUNCTIONVERSION": "", "TENCENTCLOUD_REGION": "", "TENCENTCLOUD_APPID": "", "TENCENTCLOUD_UIN": "",
	}
	if len(Environment()) != len(want) {
		t.Errorf("%d variables", len(Environment()))
	}
	for _, v := range Environment() {
		if value, ok := want[v.Key]; !ok || v.Value != value || (v.Value == "") == (v.Source == "") {
			t.Errorf("%s is %q from %q", v.Key, v.Value, v.Source)
		}
	}
	if slices.Contains(CodePackageOnly(), "PATH") {
		t.Error("PATH comes from the image")
	}
}

func TestUserVariablesAreValidated(t *testing.T) {
	cases := map[string]struct {
		variables map[string]string
		want      error
	}{
		"good":            {map[string]string{"MODE": "a b", "x_1": ""}, nil},
		"digit first":     {map[string]string{"1A": ""}, ErrEnvironmentKey},
		"dash":            {map[string]string{"A-B": ""}, ErrEnvironmentKey},
		"underscore":      {map[string]string{"_A": ""}, ErrEnvironmentKey},
		"empty":           {map[string]string{"": ""}, ErrEnvironmentKey},
		"SCF_":            {map[string]string{"SCF_X": ""}, ErrEnvironmentSystem},
		"QCLOUD_":         {map[string]string{"QCLOUD_X": ""}, ErrEnvironmentSystem},
		"TENCENTCLOUD_":   {map[string]string{"TENCENTCLOUD_X": ""}, ErrEnvironmentSystem},
		"as it is spelt":  {map[string]string{"TECENTCLOUD_X": ""}, ErrEnvironmentSystem},
		"exactly 4 KB":    {map[string]string{"A": strings.Repeat("x", 4095)}, nil},
		"a byte too many": {map[string]string{"A": strings.Repeat("x", 4096)}, ErrEnvironmentTooLong},
	}
	for name, c := range cases {
		if err := ValidateEnvironment(c.variables); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestLimits(t *testing.T) {
	for mb, good := range map[int]bool{64: true, 128: true, 3072: true, 4096: true, 0: false, 100: false, 192: false, -128: false, 200000: false} {
		if err := ValidateMemory(mb); (err == nil) != good {
			t.Errorf("memory %d: %v", mb, err)
		}
	}
	for d, good := range map[time.Duration]bool{time.Second: true, 900 * time.Second: true, 901 * time.Second: false, 0: false} {
		if err := ValidateTimeout(d); (err == nil) != good {
			t.Errorf("timeout %s: %v", d, err)
		}
	}
	for d, good := range map[time.Duration]bool{3 * time.Second: true, 300 * time.Second: true, 2 * time.Second: false, 301 * time.Second: false} {
		if err := ValidateInitTimeout(d); (err == nil) != good {
			t.Errorf("initialisation timeout %s: %v", d, err)
		}
	}
	for name, good := range map[string]bool{"ab": true, "a": false, "a-b_c": true, "1a": false, "ab-": false, "ab_": false, strings.Repeat("a", 60): true, strings.Repeat("a", 61): false} {
		if err := ValidateFunctionName(name); (err == nil) != good {
			t.Errorf("name %q: %v", name, err)
		}
	}
	for mb, cpus := range map[int]float64{1280: 1, 3072: 2, 640: 0.5, 2560: 2} {
		if got := CPUs(mb); got != cpus {
			t.Errorf("%d MB come with %v processors", mb, got)
		}
	}
}

func TestMemoryFollowsTheTable(t *testing.T) {
	cases := []struct {
		bytes             int64
		low, high, memory int
	}{
		{0, 256, 512, 512}, {256<<20 - 1, 256, 512, 512}, {256 << 20, 512, 1024, 1024}, {512<<20 - 1, 512, 1024, 1024},
		{512 << 20, 1024, 0, 2048}, {2 << 30, 1024, 0, 2048},
	}
	for _, c := range cases {
		if low, high := MemoryGuidance(c.bytes); low != c.low || high != c.high || DefaultMemoryMB(c.bytes) != c.memory {
			t.Errorf("%d bytes: %d to %d MB, default %d", c.bytes, low, high, DefaultMemoryMB(c.bytes))
		}
	}
}

func TestTheStatusTableIsComplete(t *testing.T) {
	want := []int{
		200, 202, 400, 401, 402, 403, 404, 405, 406, 407, 410, 410, 429, 430, 432, 433, 434, 435, 436, 437, 438, 439, 441, 442,
		443, 444, 445, 446, 447, 449, 450, 455, 456, 499, 500,
	}
	var got, recycling []int
	for _, s := range Statuses() {
		got = append(got, s.Code)
		if s.Recycles {
			recycling = append(recycling, s.Code)
		}
		if s.Mark == "" {
			t.Errorf("%d has no mark", s.Code)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("codes are %v", got)
	}
	if !slices.Equal(recycling, []int{405, 433, 434, 439}) {
		t.Errorf("recycling are %v", recycling)
	}
}

func TestTextsAreThoseCaptured(t *testing.T) {
	for got, want := range map[string]string{
		PortBindingMessage(30 * time.Second): "The request timed out in 30000ms.Please confirm your http server have enabled listening on port 9000.",
		PortBindingMessage(90 * time.Second): "The request timed out in 90000ms.Please confirm your http server have enabled listening on port 9000.",
		TimeoutMessage(3 * time.Second):      "Invoking task timed out after 3 seconds",
		MemoryMessage(128):                   "Task memory exceeded 128 MB",
		StatusProcessExit.Message():          "User process exit when running",
		StatusContainerInitError.Message():   "ContainerInitError",
		PullFailedMessage("x"):               "pull image failed: x",
	} {
		if got != want {
			t.Errorf("text is %q, want %q", got, want)
		}
	}
}

func TestErrorBodiesByTheByte(t *testing.T) {
	for got, want := range map[string]string{
		string(InvokeErrorBody(StatusTimeLimitReached, "a<b", "id")):               `{"errorCode":-1,"errorMessage":"a<b","requestId":"id","statusCode":433}`,
		string(WebErrorBody(StatusPortBindingFailed, "context deadline exceeded")): `{"errorMessage":"context deadline exceeded","statusCode":446}`,
		string(GatewayFormatErrorBody("0af")):                                      `{"errno":403,"error":"requestId 0af , Invalid scf response. expected scf response valid JSON.","message":"SCF invoke error"}`,
	} {
		if got != want {
			t.Errorf("body is %s, want %s", got, want)
		}
	}
	if h := GatewayErrorHeader("text", "id"); h.Get("X-Scf-Message") != "text" || h.Get("Content-Length") != "0" || h.Get("X-Api-Requestid") != "id" {
		t.Errorf("header is %v", h)
	}
}

func TestLogLinesByTheByte(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	for got, want := range map[string]string{
		StartLine("i"): "START RequestId:i",
		InitReportLine("i", ms(119), ms(2), ms(519), 640, 5463081): "Init Report RequestId: i Coldstart: 640ms (PullCode: 119ms InitRuntime: 2ms InitFunction: 519ms) Memory: 640MB MemUsage: 5.21MB",
		InitReportLine("i", 0, ms(8), ms(1307), 128, 0):            "Init Report RequestId: i Coldstart: 1315ms (InitRuntime: 8ms InitFunction: 1307ms) Memory: 128MB MemUsage: 0.00MB",
		ProvisionedReportLine("i", ms(1), ms(2), ms(3), 64, 0):     "Provisioned Report RequestId: i Coldstart: 6ms (PullCode: 1ms InitRuntime: 2ms InitFunction: 3ms) Memory: 64MB MemUsage: 0.00MB",
		ErrorLine("i", []byte(`{"a":1}`)):                          `ERROR RequestId:i Result:{"a":1}`,
		ResponseLine("i", []byte("hello\n")):                       `Response RequestId:i RetMsg:"hello"`,
		ResponseLine("i", []byte(`{"a":1}`)):                       `Response RequestId:i RetMsg:{"a":1}`,
		ResponseLine("i", nil):                                     "Response RequestId:i RetMsg:null",
		EndLine("i"):                                               "END RequestId:i",
		ReportLine("i", ms(1), 128, 31178752):                      "Report RequestId:i Duration:1ms Memory:128MB MemUsage:29.734375MB",
		ReportLine("i", ms(7), 128, 0):                             "Report RequestId:i Duration:7ms Memory:128MB MemUsage:0MB",
	} {
		if got != want {
			t.Errorf("line is  %s\nwant     %s", got, want)
		}
	}
	if len(LogKeys()) != 14 {
		t.Errorf("%d log keys", len(LogKeys()))
	}
}

func TestTheStartCommandIsResolved(t *testing.T) {
	text := func(s string) *string { return &s }
	cases := map[string]struct {
		command, args   *string
		entrypoint, cmd []string
		want            []string
		warned          string
	}{
		"the image's":              {nil, nil, []string{"a"}, []string{"b"}, []string{"a", "b"}, ""},
		"Command":                  {text("c"), nil, []string{"a"}, nil, []string{"c"}, ""},
		"Command keeps CMD":        {text("c"), nil, []string{"a"}, []string{"b"}, []string{"c", "b"}, "kept"},
		"Args":                     {nil, text("x  y"), []string{"a"}, []string{"b"}, []string{"a", "x", "y"}, ""},
		"both":                     {text("c"), text("x"), []string{"a"}, []string{"b"}, []string{"c", "x"}, ""},
		"several words in Command": {text("node index.js"), text("x"), nil, nil, []string{"node", "index.js", "x"}, "words"},
		"quotes mean nothing":      {nil, text(`"x y"`), []string{"a"}, nil, []string{"a", `"x`, `y"`}, ""},
		"empty means unset":        {text(""), text(" "), []string{"a"}, []string{"b"}, []string{"a", "b"}, ""},
		"only CMD":                 {nil, nil, nil, []string{"b"}, []string{"b"}, ""},
	}
	for name, c := range cases {
		got, err := ResolveArgv(c.command, c.args, c.entrypoint, c.cmd)
		if err != nil || !slices.Equal(got.Words, c.want) || got.SeveralWords != (c.warned == "words") || got.CMDKept != (c.warned == "kept") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := ResolveArgv(nil, nil, nil, nil); !errors.Is(err, ErrNoCommand) {
		t.Errorf("nothing to start gives %v", err)
	}
}

// FuzzResolveArgv holds that Command and Args are split at spaces and nowhere else, that nothing of them is lost, and
// that each falls back to the image by itself. The bits of given tell which of the four are there.
func FuzzResolveArgv(f *testing.F) {
	for _, seed := range [][2]string{{"node index.js", ""}, {"", " x  y "}, {" ", "  "}, {`sh -c "a b"`, `'x\ y'`}, {"a\tb\nc", "\u00a0\u3000\xff"}} {
		for given := range uint8(16) {
			f.Add(seed[0], seed[1], given)
		}
	}
	word := regexp.MustCompile("[^ ]+")
	f.Fuzz(func(t *testing.T, command, args string, given uint8) {
		texts := [2]*string{&command, &args}
		images := [2][]string{{"/run me"}, {"", "b c"}}
		var want []string
		var written [2]bool
		for n := range texts {
			if given>>n&1 == 0 {
				texts[n] = nil
			}
			if given>>n&4 == 0 {
				images[n] = nil
			}
			if written[n] = texts[n] != nil && strings.Trim(*texts[n], " ") != ""; written[n] {
				want = append(want, word.FindAllString(*texts[n], -1)...)
			} else {
				want = append(want, images[n]...)
			}
		}
		got, err := ResolveArgv(texts[0], texts[1], images[0], images[1])
		if (err != nil) != (len(want) == 0) || err != nil && !errors.Is(err, ErrNoCommand) {
			t.Fatalf("%q gives %v", want, err)
		}
		if !slices.Equal(got.Words, want) || got.CMDKept != (written[0] && !written[1] && images[1] != nil) {
			t.Errorf("%+v, want %q", got, want)
		}
		line := strings.Join(got.Words, " ")
		if again, err := ResolveArgv(&line, nil, nil, nil); written[0] && written[1] && (err != nil || !slices.Equal(again.Words, got.Words)) {
			t.Errorf("%q joined and split again is %q, %v", got.Words, again.Words, err)
		}
	})
}

func TestReadingsAreSetByName(t *testing.T) {
	r := DefaultReadings()
	if len(r.Differences()) != 0 {
		t.Errorf("the defaults differ: %v", r.Differences())
	}
	changes := map[string]string{
		"image-port": "lenient", "root-filesystem": "writable", "process-user": "10000", "init-timeout": "1m30s", "readiness-probe": "none",
		"oversize-status": "407", "gateway-error-status": "200", "response-request-id": "true", "client-headers": "pass-unknown",
		"non-success-answer": "strict", "web-response-line": "true", "freeze-between": "true", "billing-step": "100ms", "bill-init": "true",
		"execution-role": "false", "upstream-keep-alive": "false",
	}
	if len(changes) != len(readings()) {
		t.Errorf("%d readings, %d are tried", len(readings()), len(changes))
	}
	for name, value := range changes {
		if err := r.Set(name, value); err != nil {
			t.Error(err)
		}
		if err := r.Set(name, "nonsense"); !errors.Is(err, ErrReading) {
			t.Errorf("%s=nonsense gives %v", name, err)
		}
	}
	for name, value := range changes {
		if got := r.Differences()[name]; got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	if err := r.Set("nonsense", "x"); !errors.Is(err, ErrReading) || !strings.Contains(err.Error(), "billing-step") {
		t.Errorf("an unknown switch gives %v", err)
	}
}

func TestBilling(t *testing.T) {
	r := DefaultReadings()
	if bill := NewBill(1760*time.Millisecond, time.Second, 256, 1, r); bill.GBs != 0.44 || bill.Billed != 1760*time.Millisecond {
		t.Errorf("the documented example gives %+v", bill)
	}
	if bill := NewBill(1760*time.Millisecond+time.Microsecond, 0, 1024, 1, r); bill.Billed != 1761*time.Millisecond {
		t.Errorf("a part of a millisecond is billed as %s", bill.Billed)
	}
	r.BillingStep, r.BillInit = 100*time.Millisecond, true
	if bill := NewBill(150*time.Millisecond, time.Second, 1024, 1, r); bill.Billed != 1200*time.Millisecond || bill.GBs != 1.2 {
		t.Errorf("steps of 100 ms with the initialisation give %+v", bill)
	}
}

func TestReservedVariablesOfAnImage(t *testing.T) {
	env := []string{"PATH=/bin", "USER=me", "SCF_X=1", "TENCENTCLOUD_REGION=x", "QCLOUD_=", "USERS=x", "MY_SCF_X=1", "USER_CODE_ROOT=/app"}
	if got := strings.Join(ReservedVariables(env), " "); got != "USER SCF_X TENCENTCLOUD_REGION QCLOUD_ USER_CODE_ROOT" {
		t.Errorf("reserved are %s", got)
	}
}

func TestEveryHeaderOfTheTableIsKnown(t *testing.T) {
	for _, field := range Headers() {
		if !IsHeader(field.Name) {
			t.Errorf("%s is not", field.Name)
		}
	}
	if IsHeader("X-Scf-Extra") {
		t.Error("an unknown one is")
	}
}
