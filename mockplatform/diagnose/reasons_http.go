package diagnose

// Causes that show when an HTTP function is asked.
const (
	HTTPTimeout        Code = "http.timeout"
	HTTPCrashed        Code = "http.crashed"
	HTTPOutOfMemory    Code = "http.out-of-memory"
	HTTPNoAnswer       Code = "http.no-answer"
	HTTPStatus         Code = "http.status"
	HTTPNoRoute        Code = "http.no-route"
	HTTPWrites         Code = "http.writes-rootfs" //nolint:gosec // no credential
	HTTPUnknownPath    Code = "http.unknown-path-hangs"
	HTTPMethod         Code = "http.method-fails"
	HTTPBodyLimit      Code = "http.body-limit"
	HTTPHeaderTooLarge Code = "http.header-too-large"
	HTTPTooLarge       Code = "http.response-too-large"
	HTTPFraming        Code = "http.framing"
	HTTPNotConcurrent  Code = "http.not-concurrent"
	HTTPBuffered       Code = "http.buffered"
	HTTPWebSocket      Code = "http.websocket" //nolint:gosec // no credential
)

func httpReasons() []Reason {
	return []Reason{
		reason(HTTPTimeout, "http.timeout",
			Text{"the request was not answered in time", "请求未在超时前得到应答"},
			Text{"an answer within the function's timeout, 3 s by default", "须在函数超时内应答，默认 3 秒"},
			Text{"answer sooner, or configure a longer timeout, 1 to 900 s (-function-timeout)", "加快应答，或设置更长的超时 1–900 秒（-function-timeout）"}),
		reason(HTTPStatus, "http.answers",
			Text{"the request was answered with a server error", "请求应答为服务器错误"},
			Text{"an answer below 500", "应答状态码小于 500"},
			Text{"see the answer and the last lines of stderr above; take another path with -path", "查看上方应答与 stderr；可用 -path 指定路径"}),
		reason(HTTPNoRoute, "http.answers",
			Text{"the path is not served", "路径没有对应的处理"},
			Text{"an image that is taken for an HTTP function by itself serves the path", "自动判定为 HTTP 函数的镜像须能处理该路径"},
			Text{"name a path that it serves with -path, or say -type=http, which takes any answer below 500", "用 -path 指定可处理的路径，或用 -type=http 接受任何小于 500 的应答"}),
		reason(HTTPWrites, "http.answers",
			Text{"the function writes outside /tmp to answer a request", "函数处理请求时写入 /tmp 以外的位置"},
			Text{"a read-only root file system, where only /tmp can be written", "根文件系统只读，仅 /tmp 可写"},
			Text{"write below /tmp instead. " + writableSnippets, "改为写入 /tmp。" + writableSnippets}),
		reason(HTTPCrashed, "http.answers",
			Text{"the process ended during the request", "进程在请求期间退出"},
			Text{"a process that outlives its requests", "进程须在请求后继续运行"},
			Text{"catch the failure in the handler; see the last lines of stderr above", "在处理函数中捕获错误；查看上方 stderr"}),
		reason(HTTPOutOfMemory, "http.answers",
			Text{"the process was killed for its memory during the request", "进程在请求期间因内存不足被终止"},
			Text{"no more than the configured memory", "内存不超过配置值"},
			Text{"configure more memory (-memory), or use less", "提高内存配置（-memory），或减少占用"}),
		reason(HTTPNoAnswer, "http.answers",
			Text{"the connection ended without a complete answer", "连接结束但没有完整应答"},
			Text{"a complete HTTP answer", "完整的 HTTP 应答"},
			Text{"serve HTTP/1.1 on port 9000 and answer every request completely; see the error and stderr above", "在 9000 端口提供 HTTP/1.1 并完整应答；查看上方错误与 stderr"}),
		reason(HTTPUnknownPath, "http.unknown-path",
			Text{"a path that is not served gets no answer", "未定义的路径得不到应答"},
			Text{"every path is answered, be it with 404: each request that hangs holds an instance until the timeout", "任何路径都须应答（可为 404）：挂起的请求会占用实例直至超时"},
			Text{"answer unknown paths with 404 in the router", "在路由中对未知路径返回 404"}),
		reason(HTTPMethod, "http.methods",
			Text{"a request method gets no answer", "某请求方法得不到应答"},
			Text{"every method is answered, be it with 405: the gateway passes all of them through", "任何方法都须应答（可为 405）：网关会透传所有方法"},
			Text{"answer methods that are not served with 405", "对不支持的方法返回 405"}),
		reason(HTTPBodyLimit, "http.request-body",
			Text{"the function refuses a large request body", "函数拒绝较大的请求体"},
			Text{"request bodies of up to 6 MB are read; the gateway passes them through", "须能读取最大 6 MB 的请求体；网关会透传"},
			Text{"raise the limit of the body parser, or refuse before reading and close the connection properly.\n" + bodySnippets, "提高请求体解析器的上限，或在读取前拒绝并正确关闭连接。\n" + bodySnippets}),
		reason(HTTPHeaderTooLarge, "http.response-limits",
			Text{"the header of an answer is too large", "应答头过大"},
			Text{"keys and values of a response's header of at most 4 KB", "响应头键值总计不超过 4 KB"},
			Text{"set fewer or smaller headers and cookies", "减少或缩小响应头与 Cookie"}),
		reason(HTTPTooLarge, "http.response-limits",
			Text{"an answer is too large", "应答过大"},
			Text{"a response body of at most 6 MB", "响应体不超过 6 MB"},
			Text{"answer with less, and put large data into COS", "减小应答，大数据存入 COS"}),
		reason(HTTPFraming, "http.framing",
			Text{"an answer is not framed as HTTP/1.1 wants it", "应答的 HTTP/1.1 分帧无效"},
			Text{"one Content-Length that is true, or chunked, and lines that end in CRLF", "唯一且正确的 Content-Length，或 chunked，且行以 CRLF 结尾"},
			Text{"let the HTTP library set Content-Length and Transfer-Encoding; do not write more bytes than were told", "由 HTTP 库设置 Content-Length 与 Transfer-Encoding；不要多写字节"}),
		reason(HTTPNotConcurrent, "http.concurrency",
			Text{"the function fails when it serves several requests at a time", "函数在同时处理多个请求时失败"},
			Text{"as many requests at a time as are declared (-concurrency)", "能同时处理声明数量的请求（-concurrency）"},
			Text{"keep no state of a request in shared variables, take a server with several workers or threads, or declare less", "不要在共享变量中保存请求状态，使用多进程或多线程服务，或降低声明值"}),
		reason(HTTPBuffered, "http.streaming",
			Text{"a streamed answer arrives all at once", "流式应答一次性到达"},
			Text{"parts of a streamed answer arrive as they are made", "流式应答的各部分须随产生随到达"},
			Text{"flush after each part; switch off buffering (nginx: proxy_buffering off;, gunicorn: a generator with an async worker, Express: no compression without flush)", "每部分后 flush；关闭缓冲（nginx：proxy_buffering off;，gunicorn：使用异步 worker 的生成器，Express：压缩中间件须 flush）"}),
		reason(HTTPWebSocket, "http.websocket",
			Text{"the WebSocket handshake fails", "WebSocket 握手失败"},
			Text{"101 with the right Sec-WebSocket-Accept on the declared path, and a pong for a ping", "在声明的路径上返回 101 与正确的 Sec-WebSocket-Accept，并对 ping 应答 pong"},
			Text{"upgrade the connection on that path with a WebSocket library", "使用 WebSocket 库在该路径升级连接"}),
	}
}
