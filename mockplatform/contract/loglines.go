package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Log lines of one invocation, in their order (runtime.md 9.1). None has a line end.

// StartLine opens the log of an invocation.
func StartLine(requestID string) string { return "START RequestId:" + requestID }

// InitReportLine follows the output of a cold start. PullCode is left out when it is zero (R3).
func InitReportLine(requestID string, pullCode, initRuntime, initFunction time.Duration, memoryMB int, usedBytes int64) string {
	return "Init Report " + coldStart(requestID, pullCode, initRuntime, initFunction, memoryMB, usedBytes)
}

// ProvisionedReportLine stands for the start of a provisioned instance, which has no START line.
func ProvisionedReportLine(requestID string, pullCode, initRuntime, initFunction time.Duration, memoryMB int, usedBytes int64) string {
	return "Provisioned Report " + coldStart(requestID, pullCode, initRuntime, initFunction, memoryMB, usedBytes)
}

func coldStart(requestID string, pullCode, initRuntime, initFunction time.Duration, memoryMB int, usedBytes int64) string {
	var parts []string
	if pullCode.Milliseconds() > 0 {
		parts = append(parts, fmt.Sprintf("PullCode: %dms", pullCode.Milliseconds()))
	}
	parts = append(parts, fmt.Sprintf("InitRuntime: %dms", initRuntime.Milliseconds()), fmt.Sprintf("InitFunction: %dms", initFunction.Milliseconds()))
	sum := pullCode.Milliseconds() + initRuntime.Milliseconds() + initFunction.Milliseconds()
	return fmt.Sprintf("RequestId: %s Coldstart: %dms (%s) Memory: %dMB MemUsage: %.2fMB", requestID, sum, strings.Join(parts, " "), memoryMB, float64(usedBytes)/(1<<20))
}

// ErrorLine stands in the log of a failed invocation; result is InvokeErrorBody.
func ErrorLine(requestID string, result []byte) string {
	return "ERROR RequestId:" + requestID + " Result:" + string(result)
}

// ResponseLine tells the return value of an event function: JSON as it is, anything else quoted, null when empty.
func ResponseLine(requestID string, returned []byte) string {
	value := "null"
	returned = bytes.TrimSpace(returned)
	switch {
	case len(returned) == 0:
	case json.Valid(returned) && (returned[0] == '{' || returned[0] == '['):
		value = string(returned)
	default:
		value = string(marshal(string(returned)))
	}
	return "Response RequestId:" + requestID + " RetMsg:" + value
}

// EndLine closes the output of an invocation.
func EndLine(requestID string) string { return "END RequestId:" + requestID }

// ReportLine is the last line: duration in whole milliseconds, memory used with up to six decimals.
func ReportLine(requestID string, duration time.Duration, memoryMB int, usedBytes int64) string {
	used := strconv.FormatFloat(float64(usedBytes)/(1<<20), 'f', 6, 64)
	used = strings.TrimSuffix(strings.TrimRight(used, "0"), ".")
	return fmt.Sprintf("Report RequestId:%s Duration:%dms Memory:%dMB MemUsage:%sMB", requestID, duration.Milliseconds(), memoryMB, used)
}

// Lines of a graceful stop (runtime.md 9.1, S19).
const (
	SignalReceivedLine = "[PLATFORM] Signal received successfully."
	SignalFailedLine   = "[PLATFORM] Signal reception failed."
)

// LogKeys are the keys of a log entry (runtime.md 9.2, S15).
func LogKeys() []string {
	return []string{
		"SCF_FunctionName", "SCF_Namespace", "SCF_StartTime", "SCF_LogTime", "SCF_RequestId", "SCF_Duration", "SCF_Alias",
		"SCF_Qualifier", "SCF_MemUsage", "SCF_Level", "SCF_Message", "SCF_Type", "SCF_StatusCode", "SCF_RetryNum",
	}
}
