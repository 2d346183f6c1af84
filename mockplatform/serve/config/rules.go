package config

import (
	"errors"
	"fmt"
	"slices"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// read makes a Config of the text, and notes all that is wrong with it.
func (r *reader) read(text []byte) Config {
	config := Config{Platform: defaultPlatform()}
	top, ok := r.Document(text)
	if !ok {
		return config
	}
	root().read(r, top, &config)
	if v, ok := r.given["functions"]; ok {
		config.Functions = r.functions(v, config.Platform)
	}
	if v, ok := r.given["platform.namespace"]; ok && !r.Bad(v.Path) {
		for _, f := range config.Functions {
			if err := contract.ValidateNamespace(config.Platform.Namespace, f.Name); err != nil {
				r.Problem(v, fmt.Errorf("with function %s: %w", f.Name, err))
			}
		}
	}
	return config
}

// functions reads all of them, and checks what concerns several.
func (r *reader) functions(v value, platform Platform) []Function {
	entries, ok := r.Entries(v, "{hello: {image: my-function:1}}")
	if !ok {
		return nil
	}
	if len(entries) == 0 && !r.Bad(v.Path) {
		r.Problem(v, errors.New("there is no function; write at least one, such as hello: {image: my-function:1}"))
	}
	keys := functionKeys()
	var functions []Function
	accelerated := 0
	for n, e := range entries {
		if n == maxFunctions {
			r.ProblemAt(e.Key.Line, e.Key.Column, e.Path, fmt.Errorf("%d functions; a namespace has at most %d", len(entries), maxFunctions))
		}
		r.PassesKey(e.Value, contract.ValidateFunctionName(e.Name))
		f := Function{
			Name: e.Name, At: r.Position(e.Key.Line, e.Key.Column), ImageType: Personal, Type: HTTP, Version: latest,
			Timeout: contract.DefaultTimeout, Concurrency: 1, Role: platform.Readings.ExecutionRole, Gateway: Gateway{Type: FunctionURL},
		}
		keys.read(r, e.Value, &f)
		if f.Accelerate {
			if accelerated++; accelerated > contract.MaxAccelerated {
				r.Problem(r.given[e.Path+".acceleration"], fmt.Errorf("%d functions with image acceleration; at most %d of a region and account have it, so switch it off for another one", accelerated, contract.MaxAccelerated))
			}
		}
		r.rules(e.Path, &f, keys.rows())
		functions = append(functions, f)
	}
	return functions
}

// keysOf looks up what the file sets for a function.
type keysOf struct {
	r    *reader
	path string
}

// given finds a value that the file sets.
func (k keysOf) given(name string) (value, bool) {
	v, ok := k.r.given[k.path+"."+name]
	return v, ok
}

// sound tells whether nothing was wrong with a value so far, so that others can be held against it.
func (k keysOf) sound(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return k.r.Bad(k.path + "." + name) })
}

// rules checks what concerns several keys of a function, and sets defaults that depend on others.
func (r *reader) rules(path string, f *Function, rows []row) {
	keys := keysOf{r, path}
	if keys.sound("type") {
		r.typeRules(keys, f, rows)
	}
	if v, ok := keys.given("provisioned"); ok && f.Provisioned > 0 && f.Version == latest && keys.sound("version") {
		r.Problem(v, fmt.Errorf("%d provisioned instances of %s; only a published version has them, so write version: 1 too", f.Provisioned, latest))
	}
	r.registryRules(keys, f)
	if f.WebSocket != nil && f.WebSocket.IdleTimeout > f.Timeout && keys.sound("timeout", "websocket.idle-timeout") {
		v, ok := keys.given("websocket.idle-timeout")
		if !ok {
			v, _ = keys.given("websocket")
		}
		idle := inSeconds(f.WebSocket.IdleTimeout)
		r.Problem(v, fmt.Errorf("an idle timeout of %s seconds is over the function's timeout of %s, which ends a connection too; write timeout: %s or more", idle, inSeconds(f.Timeout), idle))
	}
	if keys.sound("gateway.type") {
		r.gatewayRules(keys, f)
	}
}

// typeRules checks what only functions of one type have.
func (r *reader) typeRules(keys keysOf, f *Function, rows []row) {
	for _, k := range rows {
		if v, ok := keys.given(k.name); ok && k.only != "" && k.only != f.Type {
			r.Problem(v, fmt.Errorf("only functions of type %s have this, and %s is of type %s; take it out, or write type: %s", k.only, f.Name, f.Type, k.only))
		}
	}
	if v, ok := keys.given("concurrency"); ok && keys.sound("concurrency") {
		r.Passes(v, contract.ValidateConcurrency(f.Concurrency, f.Type == HTTP))
	}
	if _, ok := keys.given("async"); !ok && f.Type == Event {
		f.Async = defaultAsync()
	}
}

func (r *reader) registryRules(keys keysOf, f *Function) {
	id, ok := keys.given("registry-id")
	switch {
	case !keys.sound("image-type"):
	case ok && f.ImageType != Enterprise:
		r.Problem(id, fmt.Errorf("only an enterprise registry has an id; write image-type: %s too, or take it out", Enterprise))
	case !ok && f.ImageType == Enterprise:
		v, _ := keys.given("image-type")
		r.Problem(v, errors.New("an enterprise registry needs its id; write registry-id: tcr-xxxx too"))
	}
}

func (r *reader) gatewayRules(keys keysOf, f *Function) {
	response, answered := keys.given("gateway.integration-response")
	if f.Gateway.Type == FunctionURL {
		for _, name := range []string{"gateway.stage", "gateway.integration-response"} {
			if v, ok := keys.given(name); ok {
				r.Problem(v, fmt.Errorf("a Function URL has none; write type: %s beside it, or take it out", APIGateway))
			}
		}
		return
	}
	f.Gateway.Stage = orElse(f.Gateway.Stage, defaultStage)
	if v, ok := keys.given("cors"); ok {
		r.Problem(v, fmt.Errorf("only a Function URL has this; take it out, or write gateway: {type: %s}", FunctionURL))
	}
	switch {
	case f.Type == HTTP && answered && keys.sound("type"):
		r.Problem(response, errors.New("the answer of an HTTP function is passed through, there is no integration response; take it out"))
	case f.Type == Event && !answered:
		f.Gateway.IntegrationResponse = true
	}
}
