package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/scfcert/scfcert/mockplatform"
	"github.com/scfcert/scfcert/mockplatform/contract"
	"github.com/scfcert/scfcert/mockplatform/gateway"
	"github.com/scfcert/scfcert/mockplatform/serve/config"
)

// Prefix is where the page and its interfaces are.
const Prefix = "/_scfcert/"

// ServeHTTP sends a request to the function that its host names (NAME.localhost), to the only function, or to the page.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	label, named := strings.CutSuffix(host, ".localhost")
	switch {
	case named:
		f, ok := s.find(label)
		if !ok {
			http.Error(w, fmt.Sprintf("no function %q; there are %s", label, s.names()), http.StatusNotFound)
			return
		}
		s.serve(w, r, f)
	case r.URL.EscapedPath() == strings.TrimSuffix(Prefix, "/") || strings.HasPrefix(r.URL.EscapedPath(), Prefix):
		s.page.ServeHTTP(w, r)
	case len(s.functions) == 1:
		s.serve(w, r, s.functions[0])
	default:
		var urls strings.Builder
		for _, f := range s.functions {
			urls.WriteString("  " + s.url(f) + "\n")
		}
		http.Error(w, "several functions are served here; name one by the host:\n"+urls.String()+"or look at http://"+s.opts.Address+Prefix, http.StatusNotFound)
	}
}

// url is where a function is reached.
func (s *Server) url(f *served) string {
	url := "http://" + s.opts.Address
	if len(s.functions) > 1 {
		_, port, _ := net.SplitHostPort(s.opts.Address)
		url = "http://" + f.about.Name + ".localhost:" + port
	}
	if f.about.Gateway.Type == config.APIGateway {
		url += "/" + f.about.Gateway.Stage
	}
	return url + "/"
}

// bodyTime is how long a client may take to send a body.
const bodyTime = time.Minute

// serve is the HTTP trigger of a function.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, f *served) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)) // as far as the connection can
	cors := crossOrigin(f.about.CORS)
	if cors.Handle(w, r) {
		return
	}
	entry, ok := s.enter(w, r, f)
	if !ok {
		return
	}
	w = &headed{ResponseWriter: w, before: func(header http.Header, status int) {
		cors.Add(header, r)
		if entry.Front == gateway.APIGateway {
			gateway.Answered(header, r, entry.Context, status)
		}
	}}
	v, giveBack := f.take()
	defer giveBack()
	if v == nil {
		entry.Refuse(w, contract.StatusFunctionStatusError, s.notActive(f))
		return
	}
	if f.about.Type == config.HTTP {
		v.function.ServeEntry(w, r, entry)
		return
	}
	s.serveEvent(w, r, f, v, entry)
}

// enter finds the request's way through the gateway; it has answered where there is none.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, f *served) (mockplatform.Entry, bool) {
	entry := mockplatform.Entry{Context: gateway.EventContext{
		Qualifier: f.about.Version, Function: f.about.Name, AppID: s.opts.Config.Platform.AppID, Readings: s.opts.Config.Platform.Readings,
	}}
	if f.about.Gateway.Type != config.APIGateway {
		return entry, true
	}
	entry.Front = gateway.APIGateway
	entry.Context.RequestID = strings.ReplaceAll(uuid.NewString(), "-", "")
	entry.Context.API = gateway.API{
		ServiceID: "service-local", ID: "api-local", Stage: f.about.Gateway.Stage, Integrated: f.about.Gateway.IntegrationResponse,
	}
	route, err := entry.Context.API.Route(r.Method, r.RequestURI)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return entry, false
	}
	entry.Target = route.Target
	return entry, true
}

// serveEvent makes an event of a request and a response of the function's return value.
func (s *Server) serveEvent(w http.ResponseWriter, r *http.Request, f *served, v *version, entry mockplatform.Entry) {
	body, err := gateway.ReadBody(r)
	switch {
	case errors.Is(err, gateway.ErrBodyTooLarge):
		entry.Refuse(w, contract.StatusRequestTooLarge, contract.StatusRequestTooLarge.Message())
		return
	case err != nil:
		http.Error(w, "the request's body broke off", http.StatusBadRequest)
		return
	}
	mode, makeEvent := gateway.Auto, gateway.URLEvent
	if entry.Front == gateway.APIGateway {
		mode, makeEvent = entry.Context.API.Mode(), gateway.APIGatewayEvent
	}
	event, err := makeEvent(r, body, entry.Context)
	if err != nil {
		entry.Refuse(w, contract.StatusInvalidParameterValue, err.Error())
		return
	}
	result, err := v.function.Invoke(context.WithoutCancel(r.Context()), event)
	if err != nil {
		s.opts.Logger.Error("the platform failed", "function", f.about.Name, "error", err)
		entry.Refuse(w, contract.StatusInternalError, contract.StatusInternalError.Message())
		return
	}
	if result.Status.Code != contract.StatusSuccess.Code {
		status, answer := result.Status.Code, contract.InvokeErrorBody(result.Status, result.ErrorMessage, result.RequestID)
		if entry.Front == gateway.APIGateway {
			status, answer = gateway.EventFailure(result.Status, result.ErrorMessage, result.RequestID, entry.Context.Readings)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(answer)
		return
	}
	status, header, answer, err := gateway.Integrated(result.Body, mode, entry.Context.RequestID)
	if err != nil {
		s.console.say(f.about.Name, result.RequestID[:shortID]+" "+err.Error())
	}
	gateway.Forward(w, status, header)
	_, _ = w.Write(answer)
}

// notActive is the platform's answer where nothing is deployed, with the reason (contract/runtime.md 10).
func (s *Server) notActive(f *served) string {
	_, why := f.state()
	return contract.StatusFunctionStatusError.Message() + ": " + s.platform.Mask(why.found.en)
}

// crossOrigin is the configuration as the gateway takes it.
func crossOrigin(c *config.CORS) gateway.CORS {
	if c == nil {
		return gateway.CORS{}
	}
	return gateway.CORS{
		Enable: true, Origins: c.Origins, Methods: c.Methods, Headers: c.Headers, ExposeHeaders: c.ExposeHeaders,
		MaxAge: int(c.MaxAge / time.Second), Credentials: c.Credentials,
	}
}

// headed has something done to the head of an answer before it goes out.
type headed struct {
	http.ResponseWriter

	before func(header http.Header, status int)
	begun  bool
}

func (h *headed) WriteHeader(status int) {
	if !h.begun && status >= http.StatusOK {
		h.begun = true
		h.before(h.Header(), status)
	}
	h.ResponseWriter.WriteHeader(status)
}

func (h *headed) Write(p []byte) (int, error) {
	if !h.begun {
		h.WriteHeader(http.StatusOK)
	}
	return h.ResponseWriter.Write(p) //nolint:wrapcheck // a writer's own error
}

// Unwrap lets the connection be flushed and taken over.
func (h *headed) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// URL is where a function is reached.
type URL struct{ Function, URL string }

// URLs lists the addresses of all functions.
func (s *Server) URLs() []URL {
	urls := make([]URL, 0, len(s.functions))
	for _, f := range s.functions {
		urls = append(urls, URL{f.about.Name, s.url(f)})
	}
	return urls
}
