package diagnose

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// port is the contract's; a constant here because the only other use is in texts.
const port = 9000

// Start names the cause of a start that failed.
func Start(e Evidence) Cause {
	switch {
	case e.Phase == PhasePull:
		return Because(PullFailed, "the engine says: "+Tail(e.PullError))
	case e.StartError != "":
		return refused(e)
	case decides(e.WritableRoot, e) || e.WritableRoot.WentWell() && saysReadOnly(e):
		return writes(e)
	case decides(e.ImageTmp, e):
		return Because(ImageFilesInTmp, fmt.Sprintf("start command %q does not start, and starts in %s when the platform leaves the image's own /tmp as it is", e.Argv, rounded(e.ImageTmp.ReadyAfter))+output(e))
	case e.Exit != nil && e.Exit.OutOfMemory:
		found := fmt.Sprintf("killed by the kernel %s after its start with %d MB configured", rounded(e.Exit.After), e.MemoryMB)
		if e.MoreMemory.WentWell() {
			found += fmt.Sprintf("; starts in %s with %d MB", rounded(e.MoreMemory.ReadyAfter), e.MoreMemory.MemoryMB)
		}
		return Because(StartOutOfMemory, found+output(e))
	case e.Exit != nil:
		return exited(e)
	default:
		return silent(e)
	}
}

// saysReadOnly tells whether the program has passed on the kernel's word for a read-only file system.
func saysReadOnly(e Evidence) bool { return readOnly.MatchString(e.StderrTail + "\n" + e.StdoutTail) }

// decides tells whether a start goes well for what was changed in an experiment: not without it, and not much later
// without it.
func decides(changed *Experiment, e Evidence) bool {
	return changed.WentWell() && !e.Unchanged.WentWell() && (!e.MoreTime.WentWell() || changed.ReadyAfter < e.MoreTime.ReadyAfter*3/4) // a ratio, as machines are busy
}

// refused is a program that the engine could not run. What the layers tell is judged before, so this is a rest.
func refused(e Evidence) Cause {
	code := StartNotFound
	switch {
	case strings.Contains(e.StartError, "permission denied"):
		code = StartNotExecutable
	case len(e.Argv) > 0 && strings.Contains(e.Argv[0], " "):
		code = StartLineInElement
	}
	return Because(code, fmt.Sprintf("start command %q; the engine says: %s", e.Argv, Tail(e.StartError)))
}

// writes is an image that starts only when it may write: the decisive second run has shown it.
func writes(e Evidence) Cause {
	paths := WrittenPaths(e.WritableRoot.Changes)
	if len(paths) == 0 && len(e.Volumes) > 0 {
		return Because(StartWritesVolume, fmt.Sprintf("does not start while its volumes %q are read-only, and starts in %s when they can be written", e.Volumes, rounded(e.WritableRoot.ReadyAfter))+output(e))
	}
	found := "does not start on a read-only root, and starts in " + rounded(e.WritableRoot.ReadyAfter) + " on a writable one"
	return Because(StartWritesRootfs, found+whereWritten(paths)+output(e))
}

// whereWritten lists some of the paths.
func whereWritten(paths []string) string {
	if len(paths) == 0 {
		return ""
	}
	const shown = 10
	return Clean(", where it writes " + strings.Join(paths[:min(len(paths), shown)], ", "))
}

// WrittenPaths are the paths of changes that the function made itself, without the directories that are listed only for
// what changed in them.
func WrittenPaths(changes []Change) []string {
	var paths []string
	for _, change := range changes {
		if !ownOfEngine(change.Path) {
			paths = append(paths, change.Path)
		}
	}
	return leaves(paths)
}

// ownOfEngine tells what the engine itself changes in a container's root.
func ownOfEngine(path string) bool {
	return path == "/tmp" || strings.HasPrefix(path, "/tmp/") || path == "/etc/mtab" || path == "/.dockerenv" || path == "/dev" || strings.HasPrefix(path, "/dev/")
}

// leaves drops directories that are listed only for what changed in them.
func leaves(paths []string) []string {
	slices.Sort(paths)
	var kept []string
	for n, path := range paths {
		if n+1 < len(paths) && strings.HasPrefix(paths[n+1], strings.TrimSuffix(path, "/")+"/") {
			continue
		}
		kept = append(kept, path)
	}
	return kept
}

// missing recognises what interpreters and loaders say when something is not in the image.
var missing = regexp.MustCompile(`ModuleNotFoundError: .*|ImportError: .*|Cannot find module .*|error while loading shared libraries: .*|ClassNotFoundException: .*|NoClassDefFoundError: .*|version .GLIBC_[^ ]* not found.*`)

// variable recognises what programs say of an environment variable that is not set; its name is the first group that is not empty.
var variable = regexp.MustCompile(`KeyError: '([A-Z][A-Z0-9_]{2,})'|(?i:(?:environment |env )?var(?:iable)?s?):? "?'?([A-Z][A-Z0-9_]{2,})|([A-Z][A-Z0-9]*_[A-Z0-9_]+)"?'? (?i:is not set|not set|is required|must be set|is undefined|is missing|not defined|is not defined)`)

// denied recognises that the process may not touch a file.
var denied = regexp.MustCompile(`(?i)permission denied|EACCES|Errno 13`)

// readOnly recognises the ways in which a read-only file system shows.
var readOnly = regexp.MustCompile(`(?i)read-only file system|EROFS|Errno 30`)

func exited(e Evidence) Cause {
	found := fmt.Sprintf("start command %q ended after %s with %s", e.Argv, rounded(e.Exit.After), exitText(e.Exit.Code))
	said := e.StderrTail + "\n" + e.StdoutTail
	code := StartExited
	if line := missing.FindString(said); line != "" {
		code = StartMissing
		found += "; missing in the image: " + Clean(line)
	} else if names := variable.FindStringSubmatch(said); names != nil {
		code = StartVariable
		found += "; it asks for the variable " + strings.Join(names[1:], "")
	} else if line := denied.FindString(said); line != "" {
		code = StartDenied
		found += "; it was told: " + Clean(line)
	}
	cause := Because(code, found+output(e))
	if e.WritableRoot == nil && readOnly.MatchString(said) {
		cause.AlsoPossible = append(cause.AlsoPossible, StartWritesRootfs)
	}
	return cause
}

// signals of Linux that end programs.
func exitText(code int) string {
	names := map[int]string{1: "SIGHUP", 2: "SIGINT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 15: "SIGTERM"}
	if name, ok := names[code-128]; ok {
		return fmt.Sprintf("exit code %d (%s)", code, name)
	}
	return fmt.Sprintf("exit code %d", code)
}

// silent is a program that lives and has no usable listener on port 9000.
func silent(e Evidence) Cause {
	var loopback, wildcard, others []string
	for _, l := range e.Listeners {
		switch address := l.Address; {
		case address.Port() == port && address.Addr().IsUnspecified():
			wildcard = append(wildcard, address.String())
		case address.Port() == port:
			loopback = append(loopback, address.String())
		default:
			others = append(others, address.String())
		}
	}
	short, held := e.ShortOfCPU(), ""
	if short {
		held = fmt.Sprintf(" (its share of the CPU was used up for %s of %s)", rounded(min(e.HeldBack, e.Waited)), rounded(e.Waited))
	}
	switch {
	case len(wildcard) > 0:
		return Because(ListenIPv6Only, "listens on "+strings.Join(wildcard, ", ")+" and refuses IPv4")
	case len(loopback) > 0:
		return Because(ListenLoopback, "listens on "+strings.Join(loopback, ", "))
	case len(others) > 0:
		return Because(ListenWrongPort, fmt.Sprintf("listens on %s, and not on port %d", strings.Join(others, ", "), port))
	case e.MoreMemory.WentWell() && (short || !e.MoreTime.WentWell() || e.MoreMemory.ReadyAfter < e.MoreTime.ReadyAfter*3/4): // a ratio, as machines are busy
		return Because(StartSlowForMemory, fmt.Sprintf("nothing listens within %s with %d MB%s; ready after %s with %d MB, and the CPU that comes with it",
			e.InitTimeout, e.MemoryMB, held, rounded(e.MoreMemory.ReadyAfter), e.MoreMemory.MemoryMB)+output(e))
	case e.MoreTime.WentWell() && short:
		return Because(StartSlowForMemory, fmt.Sprintf("nothing listens within %s with %d MB%s; ready after %s with as much memory",
			e.InitTimeout, e.MemoryMB, held, rounded(e.MoreTime.ReadyAfter))+output(e))
	case e.MoreTime.WentWell():
		return Because(StartTooSlow, fmt.Sprintf("listens after %s; the limit is %s", rounded(e.MoreTime.ReadyAfter), e.InitTimeout)+output(e))
	default:
		waited := e.Waited
		if e.MoreTime != nil {
			waited = max(waited, e.MoreTime.Waited)
		}
		cause := Because(ListenNever, fmt.Sprintf("alive with %d MB, and nothing listens within %s%s", e.MemoryMB, rounded(waited), held)+output(e))
		if short {
			cause.AlsoPossible = append(cause.AlsoPossible, StartSlowForMemory)
		}
		return cause
	}
}

// Invocation names the cause of a request that was not answered well, as event or as HTTP request.
func Invocation(e Evidence, event bool) Cause {
	choose := func(ofEvent, ofHTTP Code) Code {
		if event {
			return ofEvent
		}
		return ofHTTP
	}
	request := e.Method + " " + Clean(e.Path)
	switch {
	case e.WritableRoot.WentWell() && (!e.Unchanged.WentWell() || saysReadOnly(e)):
		return Because(choose(EventWrites, HTTPWrites), fmt.Sprintf("%s is answered with %s on a read-only root, and well on a writable one%s",
			request, answerText(e), whereWritten(WrittenPaths(e.WritableRoot.Changes)))+output(e))
	case e.TimedOut:
		return Because(choose(EventTimeout, HTTPTimeout), fmt.Sprintf("%s had no complete answer after %s; the timeout is %s, and the start took %s", request, rounded(e.Elapsed), e.Timeout, rounded(e.ReadyAfter))+output(e))
	case e.HeaderTooLarge && !event:
		return Because(HTTPHeaderTooLarge, request+" was answered with more than 4 KB of header")
	case e.TooLarge:
		return Because(choose(EventTooLarge, HTTPTooLarge), request+" was answered with more than 6 MB")
	case e.Exit != nil && e.Exit.OutOfMemory:
		return Because(choose(EventOutOfMemory, HTTPOutOfMemory), fmt.Sprintf("killed by the kernel during %s with %d MB configured", request, e.MemoryMB)+output(e))
	case e.Exit != nil:
		return Because(choose(EventCrashed, HTTPCrashed), fmt.Sprintf("ended during %s with %s", request, exitText(e.Exit.Code))+output(e))
	case e.HTTPStatus == 0:
		return Because(choose(EventNoAnswer, HTTPNoAnswer), fmt.Sprintf("%s: %s", request, Clean(e.InvokeError))+output(e))
	}
	found := request + " was answered with " + answerText(e)
	if len(e.BodyHead) > 0 {
		found += ": " + Tail(string(e.BodyHead))
	}
	found += output(e)
	switch {
	case !event:
		return Because(HTTPStatus, found)
	case e.HTTPStatus == http.StatusNotFound || e.HTTPStatus == http.StatusMethodNotAllowed || e.HTTPStatus == http.StatusNotImplemented:
		return Because(EventNoRoute, found)
	default:
		return Because(EventStatus, found)
	}
}

// answerText is a function's answer in a few words.
func answerText(e Evidence) string {
	switch {
	case e.TimedOut:
		return "nothing in time"
	case e.Exit != nil:
		return "the end of the process"
	case e.HTTPStatus == 0:
		return "no complete answer"
	default:
		return strings.TrimSpace(fmt.Sprintf("%d %s", e.HTTPStatus, http.StatusText(e.HTTPStatus)))
	}
}

// output quotes the end of stderr, or of stdout where there is none.
func output(e Evidence) string {
	repeated := ""
	if e.Unchanged.WentWell() {
		repeated = "; it went well when it was tried again with nothing changed"
	}
	switch {
	case strings.TrimSpace(e.StderrTail) != "":
		return repeated + "; end of stderr:\n" + Tail(e.StderrTail)
	case strings.TrimSpace(e.StdoutTail) != "":
		return repeated + "; nothing on stderr, end of stdout:\n" + Tail(e.StdoutTail)
	default:
		return repeated + "; it printed nothing"
	}
}

// rounded drops what nobody reads of a duration.
func rounded(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	default:
		return d.Round(time.Millisecond).String()
	}
}
