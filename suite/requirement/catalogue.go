package requirement

import "github.com/scfcert/scfcert/mockplatform/diagnose"

// Pages that clauses name.
const (
	page     = "583/41076, 2023-07-10, " // the vendor's page of the seed
	web      = "583/56124, 2024-07-22, " // Web function overview
	overview = "583/19805, 2023-08-21, " // function overview
	quotas   = "583/11637, "
	faq      = "583/97808, 2023-09-28, " // on status 405
)

func both() []string { return []string{Event, HTTP} }

// text is a text in both languages.
func text(en, zh string) diagnose.Text { return diagnose.Text{EN: en, ZH: zh} }

// must makes a requirement on the image that is binding.
func must(id string, title diagnose.Text, observed Observed, types, preconditions []string, clause string, how diagnose.Text) Requirement {
	return Requirement{id, title, Must, Image, observed, types, preconditions, clause, how, ""}
}

// should makes a requirement on the image that is advice.
func should(id string, title diagnose.Text, observed Observed, types, preconditions []string, clause string, how diagnose.Text) Requirement {
	return Requirement{id, title, Should, Image, observed, types, preconditions, clause, how, ""}
}

// ours makes a requirement on the platform.
func ours(id string, title diagnose.Text, clause string, how diagnose.Text) Requirement {
	return Requirement{id, title, Must, Platform, Probe, both(), nil, clause, how, ""}
}

func image() []Requirement {
	readable := []string{"image.manifest"}
	return []Requirement{
		must("image.manifest", text("manifest is Docker v2 schema 2 or OCI", "镜像清单为 Docker v2 schema 2 或 OCI"), Static, both(), nil, page+"Image build client limits",
			text("the manifest's media type; an image of the local engine or of docker save has no manifest of its own", "读取清单的媒体类型；本地引擎或 docker save 的镜像没有自己的清单")),
		must("image.architecture", text("built for linux/amd64", "为 linux/amd64 构建"), Static, both(), readable, page+"CPU architecture limits",
			text("the config's platform, and the ELF machine of the start program or of its script's interpreter", "镜像配置的平台，以及启动程序或脚本解释器的 ELF 机器类型")),
		must("image.size", text("less than 1 GiB", "小于 1 GiB"), Static, both(), readable, page+"Image size",
			text("the sum of the uncompressed layers", "各层解压后大小之和")),
		should("image.memory-guidance", text("memory fits the size of the image", "内存与镜像大小匹配"), Static, both(), []string{"image.size"}, page+"Image size, table",
			text("the page's table, with the configured memory", "按官方表格比较配置的内存")),
		must("image.layers", text("layers are tar archives, plain or gzip", "镜像层为 tar 或 gzip"), Static, both(), readable, page+"Image build client limits: OCI 1.0.0",
			text("media types and first bytes of the layers", "各层的媒体类型与首字节")),
		must("image.tmp", text("nothing needed at start lies in /tmp", "启动所需文件不在 /tmp"), Static, both(), readable, faq+"start files in /tmp",
			text("start program, interpreter and arguments are looked up in the layers; where a start fails, it is tried with the image's own /tmp", "在镜像层中查找启动程序、解释器与参数；启动失败时用镜像自己的 /tmp 再试")),
		must("start.command", text("start command resolves", "启动命令有效"), Static, both(), []string{"image.manifest", "image.tmp"}, page+"How It Works: Command and Args",
			text("the first word is looked up in the layers, through links and along PATH, with its mode, loader or interpreter", "在镜像层中查找首个词（含链接与 PATH），检查权限、加载器或解释器")),
		should("start.command-form", text("Command is one word, and Args goes with it", "Command 为单个词并与 Args 配套"), Static, both(), []string{"start.command"}, "583/56052, Command and Args",
			text("the configured Command and Args", "检查配置的 Command 与 Args")),
		must("image.permissions", text("start files are readable and executable for the start user", "启动用户可读取并执行启动文件"), Static, both(), []string{"start.command"}, page+"Permission to read/write file in container",
			text("owner and mode of the start files and their directories in the layers, against the image's USER", "对照镜像 USER 检查启动文件及目录的属主与权限")),
		should("image.tag", text("the tag is not latest", "标签不是 latest"), Static, both(), nil, "CloudBase guide for custom images, 2026: never deploy latest",
			text("the reference as given", "检查给出的镜像引用")),
		should("image.waste", text("no wasted bytes and package caches", "没有浪费的字节与包缓存"), Static, both(), readable, page+"Downsizing image",
			text("files that later layers replace or delete, and known cache folders, layer by layer", "逐层检查被覆盖或删除的文件及已知缓存目录")),
		should("image.reserved-variables", text("no reserved variable names in ENV", "ENV 中没有保留变量名"), Static, both(), readable, "583/30228, Environment variables",
			text("the config's Env", "检查镜像配置的 Env")),
		must("image.pull", text("pulled with the temporary credential", "可用临时凭证拉取"), BlackBox, both(), []string{"image.architecture", "image.layers", "start.command", "image.permissions"}, page+"How It Works: temporary user name and password",
			text("the engine pulls it by tag from a private registry with a credential that was issued for this pull", "引擎用本次签发的凭证按标签从私有仓库拉取")),
		{"image.region", text("image repository in the function's region", "镜像仓库与函数同地域"), Info, Image, NotObservable, both(), nil, page + "Downsizing image: VPC pull",
			text("there are no regions on a machine of one's own; the time of the pull is in the report", "本机没有地域；报告中包含拉取耗时"), ""},
	}
}

func start() []Requirement {
	pulled := []string{"image.pull"}
	ready := []string{"start.read-only-root", "start.memory", "start.time", "start.bare-connection"}
	return []Requirement{
		must("start.read-only-root", text("starts with only /tmp writable", "仅 /tmp 可写时能启动"), BlackBox, both(), pulled, page+"Permission to read/write file in container",
			text("started on a read-only root; one that fails is started once more on a writable one, and what it writes there is listed", "在只读根上启动；失败时改为可写根再试并列出写入内容")),
		must("start.memory", text("starts within the configured memory and CPU", "在配置的内存与 CPU 内启动"), BlackBox, both(), pulled, faq+"memory too small",
			text("the kernel's out-of-memory notice; one that is too slow is started once more with more memory", "内核的内存不足通知；过慢时以更大内存再试")),
		must("start.alive", text("stays alive until it is ready", "就绪前保持运行"), BlackBox, both(), pulled, page+"Building HTTP server",
			text("the engine's notice of the exit, its code and the last lines of output", "引擎的退出通知、退出码与最后输出")),
		must("start.listen", text("listens on 0.0.0.0:9000", "监听 0.0.0.0:9000"), BlackBox, both(), []string{"start.alive"}, page+"Building HTTP server: 0.0.0.0:9000 or *:9000",
			text("the socket tables of its network namespace, and one bare IPv4 connection inside it", "读取其网络命名空间的套接字表，并在其中建立一次 IPv4 连接")),
		must("start.time", text("ready within the limit", "在时限内就绪"), BlackBox, both(), []string{"start.listen"}, page+"Building HTTP server: started within 30 seconds",
			text("from the start of the container to a usable listener; one that is late is started once more with twice the time", "从容器启动到可用监听的时间；超时者以两倍时限再试")),
		must("start.bare-connection", text("a bare TCP connection does no harm", "空的 TCP 连接不影响服务"), BlackBox, both(), []string{"start.time"}, page+"Building HTTP server: health check",
			text("three connections are opened and closed without a request; the process has to live on", "建立并关闭三次不带请求的连接，进程须继续运行")),
		should("start.headroom", text("ready in half of the limit", "在时限一半内就绪"), BlackBox, both(), []string{"start.time"}, page+"Cold Start Optimization",
			text("the time of the first start", "首次启动的耗时")),
		must("start.again", text("a second cold start is the same", "第二次冷启动结果相同"), BlackBox, both(), ready, page+"How It Works",
			text("another instance is started while the first one runs", "在首个实例运行时启动另一个实例")),
		should("start.other-uid", text("starts as another uid", "可用其他 uid 启动"), BlackBox, both(), ready, "583/41076, USER=qcloud (reading Q4)",
			text("started and invoked as uid 10000", "以 uid 10000 启动并调用")),
		should("start.no-role", text("works without credential headers", "没有凭证请求头也能工作"), BlackBox, both(), ready, page+"Function input parameters (reading R5)",
			text("started and invoked as a function without execution role", "以无运行角色的函数启动并调用")),
	}
}

func event() []Requirement {
	kind := []string{Event}
	ready := []string{"start.read-only-root", "start.memory", "start.time", "start.bare-connection"}
	answers := []string{"event.answers", "event.timeout"}
	return []Requirement{
		must("event.answers", text("POST /event-invoke answers 2xx", "POST /event-invoke 返回 2xx"), BlackBox, kind, ready, page+"Function invocation: /event-invoke",
			text("one event is sent; one that fails is sent once more on a writable root", "发送一个事件；失败时在可写根上再试")),
		must("event.timeout", text("answers an event within the timeout", "在超时内应答事件"), BlackBox, kind, ready, overview+"Timeout",
			text("the time of that event", "该事件的耗时")),
		must("event.triggers", text("answers the events of every selected trigger", "应答所选各触发器的事件"), BlackBox, kind, answers, page+"Function input parameters: Trigger Event Message Structure",
			text("an event of each trigger that -event names", "按 -event 指定的触发器逐一发送事件")),
		should("event.json-values", text("takes scalars and arrays", "接受标量与数组事件"), BlackBox, kind, answers, "583/17243, 2023-07-18, Invoke: ClientContext",
			text("a string, a number, null and an array are sent as events", "以字符串、数字、null 与数组作为事件发送")),
		must("event.large", text("takes an event of 6 MB", "接受 6 MB 的事件"), BlackBox, kind, answers, quotas+"synchronous event 6 MB",
			text("an event of 6 MB; where it is refused, smaller ones find the limit", "发送 6 MB 事件；被拒绝时用更小的事件确定上限")),
		must("event.response", text("answers with 6 MB", "可返回 6 MB 响应"), Probe, kind, answers, quotas+"synchronous response 6 MB",
			text("a probe is asked for an answer of 6 MB", "要求探针返回 6 MB 响应")),
		must("event.hundred", text("serves 100 events in a row", "连续处理 100 个事件"), BlackBox, kind, answers, "583/45757, Concurrency: an instance serves one request after the other",
			text("100 events one after the other, on one instance", "在同一实例上依次发送 100 个事件")),
		must("event.connections", text("copes with kept and with closed connections", "适应保持与关闭的连接"), BlackBox, kind, answers, "production request of 2023-10 (P19): Connection: close; official samples keep connections open",
			text("events over one kept connection, and events with Connection: close", "分别用保持连接与 Connection: close 发送事件")),
		must("event.integration-response", text("answers gateway events in integration form", "网关事件返回集成响应"), BlackBox, kind, []string{"event.triggers"}, "583/12513, integration response",
			text("the shape of the answer to an event of API Gateway, where -event names that trigger", "-event 指定 API Gateway 时检查应答格式")),
	}
}

func http() []Requirement {
	kind := []string{HTTP}
	ready := []string{"start.read-only-root", "start.memory", "start.time", "start.bare-connection"}
	answers := []string{"http.answers", "http.timeout"}
	return []Requirement{
		must("http.answers", text("an HTTP request is answered", "HTTP 请求得到应答"), BlackBox, kind, ready, page+"Function invocation: pass-through",
			text("GET of -path; one that fails is sent once more on a writable root", "GET -path 指定路径；失败时在可写根上再试")),
		must("http.timeout", text("answers a request within the timeout", "在超时内应答请求"), BlackBox, kind, ready, overview+"Timeout",
			text("the time of that request", "该请求的耗时")),
		must("http.unknown-path", text("an unknown path does not hang", "未知路径不会挂起"), BlackBox, kind, answers, page+"Function invocation: pass-through",
			text("GET of a path that nobody serves", "GET 一个不存在的路径")),
		must("http.methods", text("every method is answered", "所有方法都得到应答"), BlackBox, kind, answers, web+"pass-through of the method",
			text("HEAD, POST, PUT, PATCH, DELETE and OPTIONS of -path", "对 -path 发送 HEAD、POST、PUT、PATCH、DELETE、OPTIONS")),
		must("http.request-body", text("takes a request body of 6 MB", "接受 6 MB 请求体"), BlackBox, kind, answers, web+"request body 6 MB",
			text("POST of 6 MB; 413, an error or no answer fail, any other answer below 500 passes", "POST 6 MB；413、错误或无应答为失败，其他小于 500 的应答为通过")),
		must("http.response-limits", text("answers stay within 4 KB of header and 6 MB of body", "响应头不超过 4 KB、响应体不超过 6 MB"), BlackBox, kind, ready, web+"response limits",
			text("every answer that was seen", "检查所有应答")),
		must("http.framing", text("answers are framed validly", "应答分帧有效"), BlackBox, kind, answers, "RFC 9112, 6",
			text("the bytes of every answer's head, and of what follows its body", "检查应答头的字节以及正文之后的内容")),
		must("http.concurrency", text("serves the declared number of requests at a time", "能同时处理声明数量的请求"), BlackBox, kind, answers, "583/45757, request concurrency",
			text("as many requests at a time as -concurrency says, on one instance", "在同一实例上同时发送 -concurrency 个请求")),
		must("http.streaming", text("streams unbuffered", "流式应答不缓冲"), BlackBox, kind, answers, "583/90617, 2024-03-25, SSE",
			text("the times at which parts of the answer at -stream arrive", "检查 -stream 路径各部分到达时间")),
		must("http.websocket", text("upgrades to WebSocket", "可升级到 WebSocket"), BlackBox, kind, answers, "583/63406, 2023-09-27, WebSocket",
			text("handshake and ping at the path that -websocket names", "在 -websocket 路径进行握手与 ping")),
	}
}

func process() []Requirement {
	ready := []string{"start.read-only-root", "start.memory", "start.time", "start.bare-connection"}
	how := text("a probe tells what it sees (docs/probe-protocol.md); other images cannot show it", "由探针报告（docs/probe-protocol.md）；其他镜像无法展示")
	return []Requirement{
		must("environment.process", text("variables reach the code", "环境变量到达代码"), Probe, both(), ready, page+"Built-in environment variables", how),
		must("headers.process", text("headers reach the code", "请求头到达代码"), Probe, both(), ready, page+"Function input parameters", how),
		must("request.process", text("path, query and body reach the code unchanged", "路径、查询与请求体原样到达代码"), Probe, both(), ready, page+"Function invocation: pass-through", how),
	}
}

func limits() []Requirement {
	ready := []string{"start.read-only-root", "start.memory", "start.time", "start.bare-connection"}
	return []Requirement{
		must("limits.tmp-writable", text("the code can write to /tmp", "代码可写入 /tmp"), Probe, both(), ready, page+"Permission: /tmp is readable and writable",
			text("a probe writes a file; other images cannot show it", "由探针写入文件；其他镜像无法展示")),
		must("limits.tmp-usage", text("use of /tmp does not grow without end", "/tmp 用量不会无限增长"), BlackBox, both(), ready, page+"Permission: 512 MB",
			text("bytes in /tmp before and after 100 requests on one instance", "同一实例 100 个请求前后的 /tmp 用量")),
		must("limits.tmp-full", text("recovers after /tmp was full", "/tmp 写满后可恢复"), BlackBox, both(), ready, page+"Permission: 512 MB",
			text("/tmp is filled by the platform, a request is sent, it is emptied, and another request has to be served", "平台写满 /tmp 后发送请求，再清空，随后的请求须成功")),
		should("limits.writes", text("writes nowhere but /tmp while it serves", "处理请求时仅写 /tmp"), BlackBox, both(), ready, page+"Permission to read/write file in container",
			text("requests on a writable root, and the changes in it afterwards", "在可写根上处理请求后检查改动")),
		should("limits.memory", text("memory is left", "内存有余量"), BlackBox, both(), ready, overview+"Memory",
			text("the peak over all requests on one instance, without page cache and /tmp", "同一实例所有请求的内存峰值（不含页缓存与 /tmp）")),
		must("limits.descriptors", text("files, processes and threads do not add up", "文件、进程与线程不会累积"), BlackBox, both(), ready, quotas+"1024 open files, 1024 processes and threads",
			text("counted before and after 100 requests on one instance", "同一实例 100 个请求前后计数")),
		must("limits.recovers", text("after an instance was ended the next request is served", "实例终止后可处理下一个请求"), BlackBox, both(), ready, "583/42611, 2023-09-11: 433, 434 and 439 discard the instance",
			text("an instance is ended during a request, and another request is sent", "在请求期间终止实例，再发送请求")),
	}
}

func logs() []Requirement {
	ready := []string{"start.read-only-root", "start.memory", "start.time", "start.bare-connection"}
	return []Requirement{
		must("logs.unbuffered", text("output arrives during its request", "输出在请求期间到达"), BlackBox, both(), ready, page+"Function log printing",
			text("output of 100 requests, and what comes out when the instance is stopped; an image that prints nothing cannot show it", "100 个请求的输出以及实例停止时的输出；不打印的镜像无法展示")),
		should("logs.credentials", text("no credential in logs and answers", "日志与应答中没有凭证"), BlackBox, both(), ready, page+"Function input parameters: temporary credentials",
			text("marker values of the three headers are looked for in all output and answers", "在所有输出与应答中查找三个请求头的标记值")),
	}
}

func life() []Requirement {
	ready := []string{"start.read-only-root", "start.memory", "start.time", "start.bare-connection"}
	return []Requirement{
		should("life.sigterm", text("SIGTERM ends it in time", "SIGTERM 可使其按时结束"), BlackBox, both(), ready, "583/51519, graceful stop",
			text("SIGTERM to an idle instance, and five seconds", "向空闲实例发送 SIGTERM 并等待五秒")),
		should("life.freeze", text("survives freeze and thaw", "可承受冻结与恢复"), BlackBox, both(), ready, "not documented (reading Q19)",
			text("requests to an instance that stands still in between", "实例在请求间冻结后再发送请求")),
		should("life.zombies", text("leaves no zombies", "不留僵尸进程"), BlackBox, both(), ready, quotas+"1024 processes",
			text("ended children that nobody waited for, after 100 requests", "100 个请求后未被回收的子进程")),
	}
}

func platform() []Requirement {
	how := text("the built-in probe tells what it sees", "由内置探针报告")
	return []Requirement{
		ours("platform.credential", text("a pull needs the temporary credential", "拉取须使用临时凭证"), page+"How It Works: temporary user name and password",
			text("the registry is asked without a credential and with a wrong one", "分别在无凭证与错误凭证时访问仓库")),
		ours("environment.variables", text("eight built-in variables arrive", "八个内置环境变量"), page+"Built-in environment variables", how),
		ours("headers.common", text("twelve common headers arrive", "十二个公共请求头"), page+"Function input parameters", how),
		ours("headers.trigger-source", text("X-Scf-Trigger-Src for a timer only", "仅定时触发带 X-Scf-Trigger-Src"), page+"Function input parameters: X-Scf-Trigger-Src", how),
		ours("headers.client", text("client-sent X-Scf-* do not get through", "客户端 X-Scf-* 不会透传"), web+"clients cannot set X-SCF-*", how),
		ours("http.pass-through", text("path, query and body pass through by the byte", "路径、查询与请求体按字节透传"), page+"Function invocation: pass-through", how),
		ours("platform.limits", text("file system and limits are the contract's", "文件系统与限制符合契约"), page+"Permission to read/write file in container", how),
		ours("logs.collected", text("stdout and stderr collected by request", "按请求收集 stdout 与 stderr"), page+"Function log printing", how),
		ours("platform.acceleration", text("image acceleration prefetches", "镜像加速预取镜像"), page+"Enabling image acceleration",
			text("an accelerated function's cold start, and what it asks of the registry", "启用加速的函数冷启动时对仓库的访问")),
		ours("platform.provisioned", text("provisioned instances serve the first request", "预置实例处理首个请求"), page+"Using provisioned concurrency",
			text("the first request to a function with a provisioned instance", "对有预置实例的函数发送首个请求")),
		ours("platform.billing", text("bills add up", "账单计算正确"), page+"Billing: GBs of the memory and the duration",
			text("the bill of an invocation", "一次调用的账单")),
		{"platform.price", text("prices of the account", "账户计费价格"), Info, Platform, NotObservable, both(), nil, page + "Billing: Pay-As-You-Go",
			text("prices are the vendor's and are not known here; GBs are in the bill of each invocation", "价格由厂商决定；每次调用的账单给出 GBs"), ""},
	}
}
