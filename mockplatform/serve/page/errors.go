package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/scfcert/scfcert/mockplatform/contract"
)

// clientError is what a client is told instead of what it asked for.
type clientError struct {
	status int
	Text   Text
}

func (p *clientError) Error() string { return p.Text.EN }

// Status is shown on the page.
func (p *clientError) Status() int { return p.status }

// asProblem gives every error the status and the text for the client.
func asClientError(err error) *clientError {
	var told *clientError
	var large *http.MaxBytesError
	same := func(status int) *clientError { return &clientError{status: status, Text: Text{EN: err.Error()}} }
	switch {
	case errors.As(err, &told):
		return told
	case errors.As(err, &large):
		return &clientError{http.StatusRequestEntityTooLarge, Text{
			EN: fmt.Sprintf("The event is too large to be read. SCF takes up to %s in a synchronous invocation and %s in an asynchronous one.", formatBytes(contract.MaxEventBytes), formatBytes(contract.MaxAsyncEventBytes)),
			ZH: fmt.Sprintf("事件过大，无法读取。SCF 同步调用的事件上限为 %s，异步调用为 %s。", formatBytes(contract.MaxEventBytes), formatBytes(contract.MaxAsyncEventBytes)),
		}}
	case errors.Is(err, ErrUnknown):
		return same(http.StatusNotFound)
	case errors.Is(err, ErrRefused):
		return same(http.StatusBadRequest)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &clientError{http.StatusServiceUnavailable, Text{
			EN: "The request ended before the function answered: the client went away, or the server is stopping.",
			ZH: "函数返回之前请求已结束：客户端已离开，或服务器正在停止。",
		}}
	default:
		return &clientError{http.StatusInternalServerError, Text{
			EN: "This is a fault of the local server's, not of your function: " + err.Error() + ". The terminal that runs scfcert may say more.",
			ZH: "这是本地服务器的故障，而非函数的错误：" + err.Error() + "。运行 scfcert 的终端中可能有更多信息。",
		}}
	}
}

func notFound() *clientError {
	return &clientError{http.StatusNotFound, Text{EN: "There is no such page. Begin with the overview.", ZH: "没有这个页面，请从概览开始。"}}
}

func noFunction(name string, names []string) *clientError {
	if len(names) == 0 {
		return &clientError{http.StatusNotFound, Text{
			EN: fmt.Sprintf("There is no function %q: no function is served.", name),
			ZH: fmt.Sprintf("没有函数 %q：当前未提供任何函数。", name),
		}}
	}
	return &clientError{http.StatusNotFound, Text{
		EN: fmt.Sprintf("There is no function %q. There are: %s.", name, strings.Join(names, ", ")),
		ZH: fmt.Sprintf("没有函数 %q。现有函数：%s。", name, strings.Join(names, "、")),
	}}
}

func noInvocation(id string) *clientError {
	return &clientError{http.StatusNotFound, Text{
		EN: fmt.Sprintf("There is no invocation %q. The server keeps the newest ones only, and none over a restart.", id),
		ZH: fmt.Sprintf("没有调用 %q。服务器只保留最近的调用，重启后不保留。", id),
	}}
}

func crossSite() *clientError {
	return &clientError{http.StatusForbidden, Text{
		EN: "This request came from another web site, so nothing was done. Use the forms of this page, or a client that is no browser.",
		ZH: "该请求来自其他网站，未执行任何操作。请使用本页面的表单，或使用非浏览器客户端。",
	}}
}

func foreignHost(host string) *clientError {
	return &clientError{http.StatusForbidden, Text{
		EN: fmt.Sprintf("This server is not called %q. Open it as localhost or by its address, or name the host with --listen.", host),
		ZH: fmt.Sprintf("本服务器的名称不是 %q。请用 localhost 或 IP 地址访问，或用 --listen 指定主机名。", host),
	}}
}

// maxLimit is the most that a query may ask for.
const maxLimit = 10000

// limitOf reads the parameter limit.
func limitOf(r *http.Request, without int) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return without, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxLimit {
		return 0, &clientError{http.StatusBadRequest, Text{
			EN: fmt.Sprintf("limit=%q: take a number from 1 to %d.", text, maxLimit),
			ZH: fmt.Sprintf("limit=%q：请取 1 到 %d 之间的整数。", text, maxLimit),
		}}
	}
	return limit, nil
}
