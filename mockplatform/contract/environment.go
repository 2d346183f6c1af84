package contract

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Names of the built-in environment variables of image functions (runtime.md 7.4, S1).
const (
	EnvRunEnv          = "TENCENTCLOUD_RUNENV"
	EnvCodeRoot        = "USER_CODE_ROOT"
	EnvUser            = "USER"
	EnvFunctionName    = "SCF_FUNCTIONNAME"
	EnvFunctionVersion = "SCF_FUNCTIONVERSION"
	EnvRegion          = "TENCENTCLOUD_REGION"
	EnvAppID           = "TENCENTCLOUD_APPID"
	EnvUin             = "TENCENTCLOUD_UIN"
)

// Variable is one row of the table of built-in variables.
type Variable struct {
	Key string
	// Value is the fixed value; empty where Source tells whose value it is.
	Value  string
	Source string
	Clause string
}

// Environment is the table of built-in variables in the order of S1.
func Environment() []Variable {
	const clause = "runtime.md 7.4, S1"
	return []Variable{
		{Key: EnvRunEnv, Value: "SCF", Clause: clause},
		{Key: EnvCodeRoot, Value: "/var/user/", Clause: clause},
		{Key: EnvUser, Value: "qcloud", Clause: clause},
		{Key: EnvFunctionName, Source: "function name", Clause: clause},
		{Key: EnvFunctionVersion, Source: "function version", Clause: clause},
		{Key: EnvRegion, Source: "region", Clause: clause},
		{Key: EnvAppID, Source: "account AppID", Clause: clause},
		{Key: EnvUin, Source: "account Uin", Clause: clause},
	}
}

// CodePackageOnly lists variables that code packages get and images must not (runtime.md 7.4, S21). Those that an
// image defines itself stay.
func CodePackageOnly() []string {
	return []string{
		"_SCF_SERVER_PORT", "TRIGGER_SRC", "PYTHONPATH", "CLASSPATH", "NODE_PATH", "PWD", "LOGNAME", "LANG", "LC_ALL",
		"SHELL", "SHLVL", "LD_LIBRARY_PATH", "SCF_RUNTIME", "TENCENTCLOUD_TZ",
		"TENCENTCLOUD_SECRETID", "TENCENTCLOUD_SECRETKEY", "TENCENTCLOUD_SESSIONTOKEN",
	}
}

// Errors of ValidateEnvironment, with the code that the cloud API gives (runtime.md 6.1, S23).
var (
	ErrEnvironmentKey     = errors.New("InvalidParameterValue.Environment")
	ErrEnvironmentSystem  = errors.New("InvalidParameterValue.EnvironmentSystemProtect")
	ErrEnvironmentTooLong = errors.New("InvalidParameterValue.EnvironmentExceededLimit")
)

var environmentKey = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]*$`)

// reservedPrefixes of user variables; the page spells the third as TECENTCLOUD_, which means the fourth (runtime.md 7.4).
func reservedPrefixes() []string {
	return []string{"SCF_", "QCLOUD_", "TECENTCLOUD_", "TENCENTCLOUD_"}
}

// ReservedVariables lists the names in an image's ENV that the platform keeps for itself or sets (runtime.md 7.4).
func ReservedVariables(env []string) []string {
	var reserved []string
	for _, variable := range env {
		key, _, _ := strings.Cut(variable, "=")
		if key == EnvUser || key == EnvCodeRoot || slices.ContainsFunc(reservedPrefixes(), func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			reserved = append(reserved, key)
		}
	}
	return reserved
}

// ValidateEnvironment checks a user's variables: syntax of the keys, reserved prefixes, 4 KB in all
// (runtime.md 7.4, S17 S21 S23).
func ValidateEnvironment(variables map[string]string) error {
	size := 0
	for _, key := range slices.Sorted(maps.Keys(variables)) {
		size += len(key) + len(variables[key])
		if !environmentKey.MatchString(key) {
			return fmt.Errorf("%w: variable name %q must begin with a letter and hold only letters, digits and _", ErrEnvironmentKey, key)
		}
		for _, prefix := range reservedPrefixes() {
			if strings.HasPrefix(key, prefix) {
				return fmt.Errorf("%w: variable name %q begins with %s, which the platform keeps for itself; choose another name", ErrEnvironmentSystem, key, prefix)
			}
		}
	}
	if size > MaxEnvironmentBytes {
		return fmt.Errorf("%w: the variables have %d bytes, at most %d are allowed; put large values into a file or a service", ErrEnvironmentTooLong, size, MaxEnvironmentBytes)
	}
	return nil
}
