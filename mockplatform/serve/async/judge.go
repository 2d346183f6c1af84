package async

import "github.com/scfcert/scfcert/mockplatform/contract"

// outcome is what an attempt means for the next one.
type outcome int

const (
	succeeded outcome = iota
	functionFailed
	platformFailed
	callFailed
)

// judge sorts the status codes of contract/runtime.md 5 into the rows of contract/events.md 5.
func judge(status int) outcome {
	switch status {
	case contract.StatusSuccess.Code:
		return succeeded
	case contract.StatusResourceLimit.Code, contract.StatusResourceLimitReached.Code,
		contract.StatusInsufficientResources.Code, contract.StatusInternalError.Code:
		return platformFailed // every minute until the TTL expires (D 583/41138)
	case contract.StatusInvalidParameterValue.Code, contract.StatusInvalidCredentials.Code, contract.StatusServiceSuspended.Code,
		contract.StatusInvalidSubnetID.Code, contract.StatusRequestTooLarge.Code, contract.StatusInsufficientBalance.Code,
		contract.StatusFunctionNotFound.Code, contract.StatusInvalidInvokeParameters.Code, contract.StatusFunctionStatusError.Code,
		contract.StatusUnauthorizedOperation.Code, contract.StatusQualifierNotFound.Code, contract.StatusRequestCanceled.Code:
		// Caller errors are not tried again (D 583/41138). The pages give no list: these are the codes with which a call
		// ends before the function has a part in it, and the code of an event that was terminated (I).
		return callFailed
	default:
		return functionFailed // start and run of the image: 2 retries, a minute apart (D 583/41138)
	}
}
