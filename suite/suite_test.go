package suite_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2" //nolint:revive // as Ginkgo is written
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega" //nolint:revive // as Gomega is written

	"github.com/scfcert/scfcert/suite"
	"github.com/scfcert/scfcert/suite/report"
	"github.com/scfcert/scfcert/suite/requirement"
)

// The flags of go test ./suite are those of scfcert run.
var bound = suite.Bind(flag.CommandLine)

// Before go test's deadline comes Ginkgo's, and before that the certification's own, so that there is time to clean up
// and a report is written in any case.
const (
	cleanUpTime = 15 * time.Second
	ginkgoTime  = 3 * time.Second
)

// certification runs once, when the first spec asks for it, and serves all of them.
type certification struct {
	opts     suite.Options
	deadline time.Time // zero if go test has none

	once sync.Once
	done report.Report
	err  error
}

func (c *certification) await(ctx context.Context) report.Report {
	GinkgoHelper()
	c.once.Do(func() {
		bounded, cancel := ctx, context.CancelFunc(func() {})
		if !c.deadline.IsZero() {
			bounded, cancel = context.WithDeadline(ctx, c.deadline)
		}
		defer cancel()
		c.done, c.err = suite.Certify(bounded, c.opts)
	})
	Expect(c.err).NotTo(HaveOccurred())
	return c.done
}

func TestSuite(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	// go test runs a test in its package's folder; a user's relative paths mean the folder above.
	opts, err := bound.Options(root)
	if err != nil {
		t.Fatal(err)
	}
	opts.Logger = slog.New(slog.NewTextHandler(GinkgoWriter, &slog.HandlerOptions{Level: slog.LevelWarn}))
	opts.Observer = func(p suite.Progress) {
		if p.Done == 0 {
			GinkgoWriter.Println(p.Stage)
		}
	}
	RegisterFailHandler(Fail)
	suiteConfig, reporterConfig := GinkgoConfiguration()
	suiteConfig.FailOnEmpty = true
	c := &certification{opts: opts}
	if deadline, ok := t.Deadline(); ok {
		c.deadline = deadline.Add(-cleanUpTime)
		suiteConfig.Timeout = min(suiteConfig.Timeout, time.Until(deadline)-ginkgoTime)
	}
	defer AddTreeConstructionNodeArgsTransformer(withRequirement)()
	describe(c)
	ReportAfterSuite("something was assessed", func(ran Report) {
		if !suiteConfig.DryRun && len(ran.SpecReports.WithState(types.SpecStatePassed)) == 0 && ran.SuiteSucceeded {
			Fail("nothing was assessed: each requirement that the filter selects is not applicable to this image")
		}
	})
	RunSpecs(t, "SCF WebServer image "+orBuiltIn(opts.Image), suiteConfig, reporterConfig)
	if suiteRan = !suiteConfig.DryRun; suiteConfig.DryRun {
		t.Error("a dry run: nothing was certified")
	}
}

// suiteRan tells TestMain that TestSuite was not filtered away.
var suiteRan bool

// TestMain makes a run red that was to certify an image and did not, because -run or -skip left TestSuite out.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	listing := flag.Lookup("test.list").Value.String() != ""
	if flag.Lookup("image").Value.String() != "" && !suiteRan && !listing && code == 0 {
		fmt.Println("FAIL: nothing was certified: -run or -skip leaves TestSuite out; go test ./suite -image=IMAGE needs neither")
		code = 1
	}
	os.Exit(code)
}

func orBuiltIn(reference string) string {
	if reference == "" {
		return suite.BuiltIn
	}
	return reference
}

// moduleRoot is the folder of go.mod, the one that "go test ./suite" is typed in.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the current folder: %w", err)
	}
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		}
	}
	return dir, nil
}

// describe makes one spec of each requirement, in a container, which keeps them in the catalogue's order.
func describe(c *certification) {
	Describe("requirements", func() { describeRequirements(c) })
}

func describeRequirements(c *certification) {
	for _, q := range requirement.All() {
		chapter, _, _ := strings.Cut(q.ID, ".")
		It(q.ID+": "+q.Title.EN, Label(q.ID, chapter, string(q.Level), string(q.Subject)), func(ctx SpecContext) {
			certified := c.await(ctx)
			at := slices.IndexFunc(certified.Requirements, func(r report.Requirement) bool { return r.ID == q.ID })
			Expect(at).To(BeNumerically(">=", 0), "the report has no finding for "+q.ID)
			judge(certified, certified.Requirements[at])
		})
	}
	It("verdict", Label(verdictLabel), func(ctx SpecContext) {
		certified := c.await(ctx)
		var text strings.Builder
		Expect(report.WriteText(&text, certified, report.TextOptions{})).To(Succeed())
		GinkgoWriter.Println(text.String())
		if certified.Verdict.ExitCode() != report.ExitConformant {
			Fail(fmt.Sprintf("verdict: %s %s; see %s", certified.Verdict, certified.Fault, c.opts.ReportDir))
		}
	})
}

// judge turns a finding into a spec's result.
func judge(certified report.Report, found report.Requirement) {
	GinkgoHelper()
	switch found.Outcome {
	case report.Pass, report.Waived:
	case report.Warn:
		AddReportEntry("warning", report.Explain(found))
	case report.NotApplicable:
		Skip("not applicable: " + report.Explain(found))
	case report.NotAssessed:
		if found.Because != "" {
			Skip("not assessed because " + found.Because + " failed")
		}
		Fail("could not assess: " + certified.Fault)
	case report.Fail:
		Fail(string(found.Reason) + "\n" + report.Explain(found))
	}
}

// verdictLabel marks the one spec that stands for all requirements.
const verdictLabel = "verdict"

// withRequirement rejects a spec that carries the id of no requirement: nobody could explain its failure.
func withRequirement(nodeType types.NodeType, _ Offset, text string, args []any) (string, []any, []error) {
	if !nodeType.Is(types.NodeTypeIt) {
		return text, args, nil
	}
	for _, arg := range args {
		if labels, ok := arg.(Labels); ok && slices.ContainsFunc(labels, func(label string) bool {
			_, known := requirement.ByID(label)
			return known || label == verdictLabel
		}) {
			return text, args, nil
		}
	}
	return text, args, []error{fmt.Errorf("spec %q carries the id of no requirement as a label", text)}
}

func TestASpecWithoutARequirementIsRejected(t *testing.T) {
	if _, _, errs := withRequirement(types.NodeTypeIt, 1, "stray", []any{Label("no.such")}); len(errs) != 1 {
		t.Errorf("a spec without requirement gives %v", errs)
	}
	if _, _, errs := withRequirement(types.NodeTypeIt, 1, "good", []any{Label("start.listen")}); len(errs) != 0 {
		t.Errorf("a spec with a requirement gives %v", errs)
	}
}
