package diagnose

// Causes that show when an event function is invoked.
const (
	EventTimeout         Code = "event.timeout"
	EventNoRoute         Code = "event.no-route"
	EventStatus          Code = "event.status"
	EventCrashed         Code = "event.crashed"
	EventOutOfMemory     Code = "event.out-of-memory"
	EventNoAnswer        Code = "event.no-answer"
	EventTooLarge        Code = "event.response-too-large"
	EventWrites          Code = "event.writes-rootfs"
	EventTrigger         Code = "event.trigger-refused"
	EventObjectsOnly     Code = "event.objects-only"
	EventBodyLimit       Code = "event.body-limit"
	EventResponse        Code = "event.response-limit"
	EventNotRepeatable   Code = "event.not-repeatable"
	EventKeepAlive       Code = "event.keep-alive"
	EventConnectionClose Code = "event.connection-close"
	EventIntegration     Code = "event.integration-response"
)

// bodySnippets raise the limits of body parsers.
const bodySnippets = `Express: app.use(express.json({limit: "6mb", strict: false})) (100kb without it)
Fastify: bodyLimit: 6291456; Flask: MAX_CONTENT_LENGTH = 6 * 1024 * 1024
Spring Boot: server.tomcat.max-http-form-post-size=6MB; PHP: post_max_size=6M
nginx in front: client_max_body_size 6m; (1m without it)`

const handlerSnippets = `Go: http.HandleFunc("POST /event-invoke", handler)
Flask: @app.route("/event-invoke", methods=["POST"])
Express: app.post("/event-invoke", handler)
Spring Boot: @PostMapping("/event-invoke")`

func eventReasons() []Reason {
	return []Reason{
		reason(EventTimeout, "event.timeout",
			Text{"the event was not answered in time", "事件未在超时前得到应答"},
			Text{"an answer within the function's timeout, 3 s by default", "须在函数超时内应答，默认 3 秒"},
			Text{"answer sooner, or configure a longer timeout, 1 to 900 s (-function-timeout)", "加快应答，或设置更长的超时 1–900 秒（-function-timeout）"}),
		reason(EventNoRoute, "event.answers",
			Text{"the server has no route for events", "服务没有处理事件的路由"},
			Text{"POST /event-invoke answered with 2xx", "POST /event-invoke 返回 2xx"},
			Text{"add a handler for POST /event-invoke; a server with other routes only fits an HTTP function (-type=http).\n" + handlerSnippets, "为 POST /event-invoke 添加处理函数；仅有其他路由的服务适合 HTTP 函数（-type=http）。\n" + handlerSnippets}),
		reason(EventStatus, "event.answers",
			Text{"the event was answered with an error", "事件应答为错误"},
			Text{"POST /event-invoke answered with 2xx", "POST /event-invoke 返回 2xx"},
			Text{"see the answer and the last lines of stderr above; give your own kind of event with -event FILE", "查看上方应答与 stderr；可用 -event 文件 指定事件"}),
		reason(EventWrites, "event.answers",
			Text{"the function writes outside /tmp to answer an event", "函数处理事件时写入 /tmp 以外的位置"},
			Text{"a read-only root file system, where only /tmp can be written", "根文件系统只读，仅 /tmp 可写"},
			Text{"write below /tmp instead. " + writableSnippets, "改为写入 /tmp。" + writableSnippets}),
		reason(EventCrashed, "event.answers",
			Text{"the process ended during the request", "进程在请求期间退出"},
			Text{"a process that outlives its requests", "进程须在请求后继续运行"},
			Text{"catch the failure in the handler; see the last lines of stderr above", "在处理函数中捕获错误；查看上方 stderr"}),
		reason(EventOutOfMemory, "event.answers",
			Text{"the process was killed for its memory during the request", "进程在请求期间因内存不足被终止"},
			Text{"no more than the configured memory", "内存不超过配置值"},
			Text{"configure more memory (-memory), or use less", "提高内存配置（-memory），或减少占用"}),
		reason(EventNoAnswer, "event.answers",
			Text{"the connection ended without a complete answer", "连接结束但没有完整应答"},
			Text{"a complete HTTP answer", "完整的 HTTP 应答"},
			Text{"answer every request completely; see the error and stderr above", "完整应答每个请求；查看上方错误与 stderr"}),
		reason(EventTooLarge, "event.answers",
			Text{"the answer is too large", "应答过大"},
			Text{"a response of at most 6 MB", "响应不超过 6 MB"},
			Text{"answer with less, and put large data into COS", "减小应答，大数据存入 COS"}),
		reason(EventTrigger, "event.triggers",
			Text{"an event of a trigger was not answered with 2xx", "某触发器的事件未返回 2xx"},
			Text{"2xx for an event of every trigger that the function has", "对函数每种触发器的事件返回 2xx"},
			Text{"handle the shape of that trigger's event; the event that was sent can be printed and sent again with -event", "处理该触发器的事件结构；可用 -event 重新发送该事件"}),
		reason(EventObjectsOnly, "event.json-values",
			Text{"the function takes JSON objects only", "函数只接受 JSON 对象"},
			Text{"any JSON value as event: EventBridge sends arrays, the cloud API sends what the caller wrote", "事件可为任意 JSON 值：EventBridge 会发送数组，云 API 按调用方原样发送"},
			Text{"parse the body before looking into it; Express: express.json({strict: false})", "先解析再判断类型；Express：express.json({strict: false})"}),
		reason(EventBodyLimit, "event.large",
			Text{"the function refuses a large event", "函数拒绝较大的事件"},
			Text{"events of up to 6 MB", "事件最大 6 MB"},
			Text{"raise the limit of the body parser.\n" + bodySnippets, "提高请求体解析器的上限。\n" + bodySnippets}),
		reason(EventResponse, "event.response",
			Text{"the function cannot answer with a large response", "函数无法返回较大的响应"},
			Text{"responses of up to 6 MB arrive whole", "最大 6 MB 的响应须完整返回"},
			Text{"do not cut or buffer responses in the runtime or in a proxy of the image", "运行时或镜像中的代理不要截断响应"}),
		reason(EventNotRepeatable, "event.hundred",
			Text{"the function fails after it has served some events", "函数在处理若干事件后失败"},
			Text{"an instance serves many events, one after the other", "同一实例可连续处理大量事件"},
			Text{"look for what adds up between requests: open files, connections, memory, files in /tmp, state that is used once", "检查请求间累积的资源：文件、连接、内存、/tmp 文件、一次性状态"}),
		reason(EventKeepAlive, "event.connections",
			Text{"a second request on the same connection fails", "同一连接上的第二个请求失败"},
			Text{"a server that copes with connections which are kept open between requests", "服务须能处理保持打开的连接"},
			Text{"read the whole body of each request and answer with Content-Length or chunked; say Connection: close if the connection is not used again", "读完每个请求体，并以 Content-Length 或 chunked 应答；若不复用连接则返回 Connection: close"}),
		reason(EventConnectionClose, "event.connections",
			Text{"a request with Connection: close fails", "带 Connection: close 的请求失败"},
			Text{"a server that answers a request with Connection: close as any other", "服务须正常应答带 Connection: close 的请求"},
			Text{"answer first and close then", "先应答，再关闭连接"}),
		reason(EventIntegration, "event.integration-response",
			Text{"the answer is no integration response", "应答不是集成响应格式"},
			Text{`JSON of the form {"isBase64Encoded": false, "statusCode": 200, "headers": {}, "body": "…"} for an event of API Gateway with integration response`, `API Gateway 集成响应须为 {"isBase64Encoded": false, "statusCode": 200, "headers": {}, "body": "…"}`},
			Text{"answer in this form (body is a string), or switch integration response off in the trigger", "按此格式应答（body 为字符串），或在触发器中关闭集成响应"}),
	}
}
