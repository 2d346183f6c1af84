package contract

import (
	"fmt"
	"time"
)

// Status is one row of the status code table (runtime.md 5, S6).
type Status struct {
	Code int
	// Name is the message of the table.
	Name string
	// Text is the errorMessage where one was captured; %d stands for a figure. Without it the name is used (R17).
	Text string
	When string
	Mark Mark
	// Recycles means that the instance is not used again (runtime.md 10).
	Recycles bool
}

// Message is the text that a caller reads: Text, or the name where none was captured (R17).
func (s Status) Message() string {
	if s.Text != "" {
		return s.Text
	}
	return s.Name
}

// The rows of the table.
var (
	StatusSuccess               = Status{Code: 200, Name: "Success", Mark: Documented}
	StatusRunning               = Status{Code: 202, When: "only as a log field: still running", Mark: Documented}
	StatusInvalidParameterValue = Status{Code: 400, Name: "InvalidParameterValue", When: "the event of an event function is no JSON; refused before the container", Mark: Documented}
	StatusInvalidCredentials    = Status{Code: 401, Name: "InvalidCredentials", When: "caller not authorised", Mark: Documented}
	StatusServiceSuspended      = Status{Code: 402, Name: "ServiceSuspended", When: "service suspended", Mark: Documented}
	StatusInvalidResponse       = Status{Code: 403, Name: "Invalid scf response format", When: "integrated response not parseable by API Gateway", Mark: Documented}
	StatusInvalidSubnetID       = Status{Code: 404, Name: "InvalidSubnetID", When: "bad subnet", Mark: Documented}
	StatusContainerStateExited  = Status{Code: 405, Name: "ContainerStateExited", Text: ContainerExitMessage, When: "container exited", Mark: Documented, Recycles: true}
	StatusRequestTooLarge       = Status{Code: 406, Name: "RequestTooLarge", When: "event over 6 MB, or 128 KB asynchronous", Mark: Documented}
	StatusResponseTooLarge      = Status{Code: 407, Name: "The size of response exceeds the upper limit (6MB)", When: "response over 6 MB", Mark: Documented}
	// StatusWebResponseTooLarge shares its code with StatusInsufficientBalance (Q9).
	StatusWebResponseTooLarge     = Status{Code: 410, Name: "The HTTP response body exceeds the size limit.", Text: "The HTTP response body exceeds the size limit.", When: "HTTP response body over 6 MB", Mark: Documented}
	StatusInsufficientBalance     = Status{Code: 410, Name: "InsufficientBalance", When: "account in arrears", Mark: Documented}
	StatusResourceLimit           = Status{Code: 429, Name: "ResourceLimit", When: "instances start faster than the burst limit, 500 a minute and region", Mark: Documented}
	StatusUserException           = Status{Code: 430, Name: "User code exception caught", Text: "user code exception caught", When: "user code raised", Mark: Documented}
	StatusResourceLimitReached    = Status{Code: 432, Name: "ResourceLimitReached", When: "concurrency over quota", Mark: Documented}
	StatusTimeLimitReached        = Status{Code: 433, Name: "TimeLimitReached", Text: "Invoking task timed out after %d seconds", When: "not finished within the timeout", Mark: Documented, Recycles: true}
	StatusMemoryLimitReached      = Status{Code: 434, Name: "MemoryLimitReached", Text: "Task memory exceeded %d MB", When: "over the configured memory", Mark: Documented, Recycles: true}
	StatusFunctionNotFound        = Status{Code: 435, Name: "FunctionNotFound", When: "no such function", Mark: Documented}
	StatusInvalidInvokeParameters = Status{Code: 436, Name: "InvalidParameterValue", When: "invoke parameters invalid", Mark: Documented}
	StatusHandlerNotFound         = Status{Code: 437, Name: "HandlerNotFound", When: "package or handler of code functions; not applicable to images", Mark: Inferred}
	StatusFunctionStatusError     = Status{Code: 438, Name: "FunctionStatusError", When: "function not active, or stopped", Mark: Documented}
	StatusProcessExit             = Status{Code: 439, Name: "User process exit when running", Text: ProcessExitMessage, When: "the process died during a request", Mark: Documented, Recycles: true}
	StatusUnauthorizedOperation   = Status{Code: 441, Name: "UnauthorizedOperation", When: "CAM denied", Mark: Documented}
	StatusQualifierNotFound       = Status{Code: 442, Name: "QualifierNotFound", When: "version or alias missing", Mark: Documented}
	StatusUserCodeError           = Status{Code: 443, Name: "UserCodeError", When: "user code error", Mark: Documented}
	StatusPullImageFailed         = Status{Code: 444, Name: "PullImageFailed", When: "pull refused, image invalid", Mark: Documented}
	StatusContainerInitError      = Status{Code: 445, Name: "ContainerInitError", When: "start file not found or not executable", Mark: Documented}
	StatusPortBindingFailed       = Status{Code: 446, Name: "PortBindingFailed", Text: "context deadline exceeded", When: "alive, and nothing usable on port 9000 in time", Mark: Documented}
	StatusPullImageTimeout        = Status{Code: 447, Name: "PullImageTimeOut", When: "pull too slow", Mark: Documented}
	StatusInsufficientResources   = Status{Code: 449, Name: "InsufficientResources", When: "no capacity for the specification", Mark: Documented}
	StatusInitContainerTimeout    = Status{Code: 450, Name: "InitContainerTimeout", When: "container not started within the initialisation timeout", Mark: Documented}
	StatusWebSocketIdle           = Status{Code: 455, When: "WebSocket idle timeout, cut by the platform", Mark: Documented}
	StatusWebSocketClientClose    = Status{Code: 456, When: "WebSocket client closed with a code other than 1000, 1010, 1011", Mark: Documented}
	StatusRequestCanceled         = Status{Code: 499, Name: "RequestCanceled", When: "asynchronous event terminated, or API Gateway gave up first", Mark: Documented}
	StatusInternalError           = Status{Code: 500, Name: "InternalError", When: "platform", Mark: Documented}
)

// Statuses is the whole table in the order of runtime.md 5.
func Statuses() []Status {
	return []Status{
		StatusSuccess, StatusRunning, StatusInvalidParameterValue, StatusInvalidCredentials, StatusServiceSuspended,
		StatusInvalidResponse, StatusInvalidSubnetID, StatusContainerStateExited, StatusRequestTooLarge,
		StatusResponseTooLarge, StatusWebResponseTooLarge, StatusInsufficientBalance, StatusResourceLimit,
		StatusUserException, StatusResourceLimitReached, StatusTimeLimitReached, StatusMemoryLimitReached,
		StatusFunctionNotFound, StatusInvalidInvokeParameters, StatusHandlerNotFound, StatusFunctionStatusError,
		StatusProcessExit, StatusUnauthorizedOperation, StatusQualifierNotFound, StatusUserCodeError,
		StatusPullImageFailed, StatusContainerInitError, StatusPortBindingFailed, StatusPullImageTimeout,
		StatusInsufficientResources, StatusInitContainerTimeout, StatusWebSocketIdle, StatusWebSocketClientClose,
		StatusRequestCanceled, StatusInternalError,
	}
}

// Texts of runtime.md 6.2 and 4.2 that hold no figure.
const (
	ContainerExitMessage = "Failed to initialize the container. Please confirm that the container can be started locally."
	ProcessExitMessage   = "User process exit when running"
	// ResponseHeaderMessage is of our own wording: no page tells what becomes of a header over 4 KB (Q9, unverified).
	ResponseHeaderMessage = "The HTTP response header exceeds the size limit."
)

// PortBindingMessage is the seed's sentence with the limit in force (S1): no space after "ms.".
func PortBindingMessage(limit time.Duration) string {
	return fmt.Sprintf("The request timed out in %dms.Please confirm your http server have enabled listening on port %d.", limit.Milliseconds(), Port)
}

// TimeoutMessage is the text of 433; N is the configured timeout in whole seconds.
func TimeoutMessage(timeout time.Duration) string {
	return fmt.Sprintf(StatusTimeLimitReached.Text, int(timeout/time.Second))
}

// MemoryMessage is the text of 434; N is the configured memory in MB.
func MemoryMessage(memoryMB int) string { return fmt.Sprintf(StatusMemoryLimitReached.Text, memoryMB) }

// RegionQuotaMessage and ReservedQuotaMessage are the texts of 432 (runtime.md 5).
func RegionQuotaMessage(function string, quotaMB int) string {
	return fmt.Sprintf("Function [ %s ] concurrency exceeded region unreserved quota %d MB", function, quotaMB)
}

// ReservedQuotaMessage is the text where the function has a quota of its own.
func ReservedQuotaMessage(function string, quotaMB int) string {
	return fmt.Sprintf("Function [ %s ] concurrency exceeded reserved quota %d MB", function, quotaMB)
}

// PullFailedMessage is the text of 444 around the engine's words (runtime.md 4.2).
func PullFailedMessage(cause string) string { return "pull image failed: " + cause }
