package contract

// Names of the common headers (runtime.md 7.1, S1).
const (
	HeaderRequestID    = "X-Scf-Request-Id"
	HeaderMemory       = "X-Scf-Memory"
	HeaderTimeout      = "X-Scf-Timeout"
	HeaderVersion      = "X-Scf-Version"
	HeaderName         = "X-Scf-Name"
	HeaderNamespace    = "X-Scf-Namespace"
	HeaderRegion       = "X-Scf-Region"
	HeaderAppID        = "X-Scf-Appid"
	HeaderUin          = "X-Scf-Uin"
	HeaderSessionToken = "X-Scf-Session-Token" //nolint:gosec // a header's name
	HeaderSecretID     = "X-Scf-Secret-Id"     //nolint:gosec // a header's name
	HeaderSecretKey    = "X-Scf-Secret-Key"    //nolint:gosec // a header's name
	HeaderTriggerSrc   = "X-Scf-Trigger-Src"
)

// TriggerSrcTimer is the only documented value of HeaderTriggerSrc (runtime.md 7.1).
const TriggerSrcTimer = "Timer"

// HeaderField is one row of the table of common headers.
type HeaderField struct {
	Name        string
	Description string
	// Credential marks the three that are sent only when the function has an execution role (R5).
	Credential bool
	// TimerOnly marks the one that is sent only for a timer trigger.
	TimerOnly bool
	Clause    string
}

// Headers is the table of common headers in the order of S1.
func Headers() []HeaderField {
	const clause = "runtime.md 7.1, S1"
	return []HeaderField{
		{Name: HeaderRequestID, Description: "current request id", Clause: clause},
		{Name: HeaderMemory, Description: "configured memory in MB", Clause: clause},
		{Name: HeaderTimeout, Description: "configured timeout in milliseconds", Clause: clause},
		{Name: HeaderVersion, Description: "function version, $LATEST when unversioned", Clause: clause},
		{Name: HeaderName, Description: "function name", Clause: clause},
		{Name: HeaderNamespace, Description: "function namespace", Clause: clause},
		{Name: HeaderRegion, Description: "function region", Clause: clause},
		{Name: HeaderAppID, Description: "AppID of the function's owner", Clause: clause},
		{Name: HeaderUin, Description: "Uin of the function's owner", Clause: clause},
		{Name: HeaderSessionToken, Description: "temporary session token", Credential: true, Clause: clause},
		{Name: HeaderSecretID, Description: "temporary secret id", Credential: true, Clause: clause},
		{Name: HeaderSecretKey, Description: "temporary secret key", Credential: true, Clause: clause},
		{Name: HeaderTriggerSrc, Description: "Timer, if a timer trigger is used", TimerOnly: true, Clause: clause},
	}
}

// IsHeader tells whether a canonical name is one of the table.
func IsHeader(name string) bool {
	switch name {
	case HeaderRequestID, HeaderMemory, HeaderTimeout, HeaderVersion, HeaderName, HeaderNamespace, HeaderRegion, HeaderAppID,
		HeaderUin, HeaderSessionToken, HeaderSecretID, HeaderSecretKey, HeaderTriggerSrc:
		return true
	default:
		return false
	}
}
