package page

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

// texts are all words of the page in one language.
type texts struct {
	Tag string // of the language

	Skip, Navigation, Language, Overview, Log, Metrics, Help, Times, Live, Lost, Reload string

	Functions, Function, State, Type, Image, URL, Memory, Timeout, Concurrency, Provisioned, Problem, Fix string
	EventType, HTTPType                                                                                   string
	Instances, Instance, Started, Requests, Peak                                                          string
	NoFunctions, NoFunctionsFix, NoInstances                                                              string

	Triggers, Trigger, Kind, Schedule, Next, Enabled, Yes, No, Action, FireNow, NoTriggers, Fired string

	Invocations, Invocation, Request, Status, Answer, Duration, Billed, ColdStart, Attempt, Newest string
	Warm, NoAnswer, Failed, Running, ErrorMessage, Result, NoInvocations, Again                    string

	Send, TemplateName, Load, Event, EventHint, Async, AsyncHint, SendButton, NotSent, Curl, HTTPHint string

	Lines, AfterResponse, Init, Cut, CutPage, Earlier, NoLines, NoLinesFound string
	Search, AllFunctions, Contains, Limit, SearchButton                      string

	ToOverview, Colon string

	sources, states, kinds map[string]string
}

var english = texts{ //nolint:dupl // the same members in the other language
	Tag: "en", Skip: "Skip to the content", Navigation: "Pages", Language: "Language", Overview: "Overview", Log: "Log",
	Metrics: "Metrics", Help: "The same as JSON: docs/local-server-api.md", Times: "Times are in %s.", Live: "Live: changes appear by themselves.",
	Lost: "Not live: the server does not answer. It is tried again.", Reload: "Without JavaScript: reload the page to see changes.",

	Functions: "Functions", Function: "Function", State: "State", Type: "Type", Image: "Image", URL: "URL", Memory: "Memory",
	Timeout: "Timeout", Concurrency: "Requests per instance", Provisioned: "Provisioned", Problem: "Problem", Fix: "What to do",
	EventType: "event", HTTPType: "HTTP",
	Instances: "Instances", Instance: "Instance", Started: "Started", Requests: "Requests now", Peak: "Memory so far",
	NoFunctions: "No function is served.", NoFunctionsFix: "Start the server with an image, or with a file of functions:",
	NoInstances: "No instance is running. The next request starts one, which is a cold start.",

	Triggers: "Triggers", Trigger: "Trigger", Kind: "Kind", Schedule: "Schedule", Next: "Next firing", Enabled: "Enabled", Yes: "yes", No: "no",
	Action: "Action", FireNow: "Fire now", NoTriggers: "This function has no triggers. They are listed in functions.yaml.",
	Fired: "Fired. Its invocation appears below.",

	Invocations: "Last invocations", Invocation: "Invocation", Request: "Request", Status: "Status", Answer: "Answer",
	Duration: "Duration", Billed: "Billed", ColdStart: "Cold start", Attempt: "Attempt", Newest: "at most %d, the newest first",
	Warm: "none", NoAnswer: "none", Failed: "failed", Running: "running", ErrorMessage: "Error message", Result: "Result",
	NoInvocations: "Nothing was invoked yet. Send an event with the form of a function, or a request to its URL.",
	Again:         "Send another one",

	Send: "Send an event", TemplateName: "Template", Load: "Load template", Event: "Event", EventHint: "JSON. It reaches the function as the body of POST /event-invoke.",
	Async: "Asynchronous", AsyncHint: "It is queued, and tried again if it fails.", SendButton: "Send event", NotSent: "The event was not sent.",
	Curl: "From a terminal:", HTTPHint: "This function takes HTTP requests and no events. Open its URL, or from a terminal:",

	Lines: "Log lines", AfterResponse: "after the response", Init: "start-up",
	Cut: "cut here; the line has", CutPage: "cut here; in all there are", Earlier: "%d earlier lines are not shown. All of them:",
	NoLines: "No line yet. Lines appear here when the request has ended.", NoLinesFound: "No line matches. Take a shorter text or another function, or send a request first.",
	Search: "Search the log", AllFunctions: "All functions", Contains: "Line contains", Limit: "At most", SearchButton: "Search",

	ToOverview: "To the overview", Colon: ": ",

	sources: map[string]string{FromPlatform: "platform", FromStdout: "stdout", FromStderr: "stderr"},
	states:  map[string]string{string(Starting): "starting", string(Idle): "idle", string(Busy): "busy", string(Frozen): "frozen", string(Draining): "draining"},
	kinds:   map[string]string{"event": "event", "http": "HTTP", Timer: "timer", "async": "asynchronous"},
}

var chinese = texts{ //nolint:dupl // as above
	Tag: "zh-CN", Skip: "跳到正文", Navigation: "页面", Language: "语言", Overview: "概览", Log: "日志",
	Metrics: "指标", Help: "JSON 接口：docs/local-server-api.md", Times: "时间所用时区：%s。", Live: "实时：变化会自动显示。",
	Lost: "已断开：服务器没有响应，正在重试。", Reload: "未启用 JavaScript：请刷新页面查看变化。",

	Functions: "函数", Function: "函数", State: "状态", Type: "类型", Image: "镜像", URL: "URL", Memory: "内存",
	Timeout: "执行超时", Concurrency: "单实例并发", Provisioned: "预置并发", Problem: "问题", Fix: "解决办法",
	EventType: "事件函数", HTTPType: "Web 函数",
	Instances: "实例", Instance: "实例", Started: "开始时间", Requests: "当前请求数", Peak: "内存峰值",
	NoFunctions: "当前未提供任何函数。", NoFunctionsFix: "请用镜像或函数文件启动服务器：",
	NoInstances: "没有运行中的实例。下一个请求会启动一个实例（冷启动）。",

	Triggers: "触发器", Trigger: "触发器", Kind: "种类", Schedule: "触发周期", Next: "下次触发", Enabled: "启用", Yes: "是", No: "否",
	Action: "操作", FireNow: "立即触发", NoTriggers: "该函数没有触发器。触发器在 functions.yaml 中定义。",
	Fired: "已触发，调用将显示在下方。",

	Invocations: "最近的调用", Invocation: "调用", Request: "请求", Status: "状态码", Answer: "函数响应",
	Duration: "执行时长", Billed: "计费时长", ColdStart: "冷启动", Attempt: "第几次", Newest: "最多 %d 次，新的在前",
	Warm: "无", NoAnswer: "无", Failed: "失败", Running: "运行中", ErrorMessage: "错误信息", Result: "返回结果",
	NoInvocations: "还没有调用。请在函数页面的表单中发送事件，或向函数的 URL 发送请求。",
	Again:         "再发送一次",

	Send: "发送事件", TemplateName: "模板", Load: "载入模板", Event: "事件", EventHint: "JSON 格式，作为 POST /event-invoke 的请求体发送给函数。",
	Async: "异步", AsyncHint: "进入队列，失败后重试。", SendButton: "发送事件", NotSent: "事件未发送。",
	Curl: "在终端中：", HTTPHint: "该函数接收 HTTP 请求，不接收事件。请打开它的 URL，或在终端中：",

	Lines: "日志", AfterResponse: "响应之后", Init: "启动阶段",
	Cut: "在此截断，整行共", CutPage: "在此截断，全部共", Earlier: "之前的 %d 行未显示。全部日志：",
	NoLines: "还没有日志。请求结束后日志会显示在这里。", NoLinesFound: "没有匹配的日志。请缩短关键词、换一个函数，或先发送一个请求。",
	Search: "搜索日志", AllFunctions: "所有函数", Contains: "包含文本", Limit: "最多行数", SearchButton: "搜索",

	ToOverview: "返回概览", Colon: "：",

	sources: map[string]string{FromPlatform: "平台", FromStdout: "标准输出", FromStderr: "标准错误"},
	states:  map[string]string{string(Starting): "启动中", string(Idle): "空闲", string(Busy): "处理中", string(Frozen): "已冻结", string(Draining): "排空中"},
	kinds:   map[string]string{"event": "事件", "http": "HTTP", Timer: "定时", "async": "异步"},
}

// In is a text in this language, or in the other if there is none.
func (t *texts) In(text Text) string {
	if t.Tag != english.Tag && text.ZH != "" {
		return text.ZH
	}
	return text.EN
}

// SourceName is the word for the source of a line.
func (t *texts) SourceName(source string) string { return wordFor(t.sources, source) }

// StateName is the word for an instance's state.
func (t *texts) StateName(state InstanceState) string { return wordFor(t.states, string(state)) }

// KindName is the word for a kind of invocation or trigger.
func (t *texts) KindName(kind string) string { return wordFor(t.kinds, kind) }

// TypeName is the word for a function's type.
func (t *texts) TypeName(kind string) string {
	if kind == HTTPFunction {
		return t.HTTPType
	}
	return t.EventType
}

// TimesIn tells the zone of all times.
func (t *texts) TimesIn(zone string) string { return fmt.Sprintf(t.Times, zone) }

// NewestOf tells how many invocations are shown at most.
func (t *texts) NewestOf(n int) string { return fmt.Sprintf(t.Newest, n) }

// EarlierThan tells how many lines are not shown.
func (t *texts) EarlierThan(n int) string { return fmt.Sprintf(t.Earlier, n) }

func wordFor(words map[string]string, key string) string {
	if word, known := words[key]; known {
		return word
	}
	return key
}

const languageCookie = "scfcert-language"

// language is what the client asks for in the query, which is kept in a cookie, or asked for then, or prefers.
func (s *site) language(w http.ResponseWriter, r *http.Request) *texts {
	switch asked := r.URL.Query().Get("lang"); asked {
	case "en", "zh":
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: asked, Path: s.prefix + "/", SameSite: http.SameSiteLaxMode, HttpOnly: true}) //nolint:gosec // G124: no secret, and loopback has no TLS
		return textsFor(asked)
	}
	if kept, err := r.Cookie(languageCookie); err == nil && (kept.Value == "en" || kept.Value == "zh") {
		return textsFor(kept.Value)
	}
	preferred, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return &english
	}
	tag, _, _ := language.NewMatcher([]language.Tag{language.English, language.Chinese}).Match(preferred...)
	return textsFor(tag.String())
}

func textsFor(tag string) *texts {
	if strings.HasPrefix(tag, "zh") {
		return &chinese
	}
	return &english
}
