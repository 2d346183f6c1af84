package report

import (
	"slices"
	"time"

	"github.com/scfcert/scfcert/mockplatform/diagnose"
)

// phrases are the words of report.html and report.md in one language.
type phrases struct {
	Tag string // of the language
	Key string // of ids

	Skip, Language, Contents, Certification, Colon, Comma string

	Fault, FaultNote, LeftBehind, Verdict, AsEvent, AsHTTP                                                                                            string
	Digest, Platform, Size, Compressed, Estimated, Source, Command, When, Took, Contract, Basis, Tool, Type                                           string
	Memory, Timeout, InitTimeout, Environment, Enforcement, EnforcementNote, Tmp, Rootfs, MemoryLimit, CPU, Readings, ReadingsNote, NoReadings, Probe string

	Causes, NoCauses, NotKnown, Found, Required, Fix, Or, LeavesOpen, Reason, More                                                             string
	Waivers, WaiversNote, Justification, Owner, Expires, Covers                                                                                string
	Margins, Of, Over, Little, Name, Used, Limit, Share                                                                                        string
	Timeline, TimelineNote, TimelineTotal, At                                                                                                  string
	Requirements, Chapter, Requirement, Outcome, Note, Total, Open, Because, SeeFault, Level, Observed, Clause, Evidence, Duration, OnPlatform string
	Logs, LogsNote, Engine, EngineName, Cut, LeftOut, ReportFiles, Footer                                                                      string

	Matrix, Runs, Image, Variant, Broken, NothingBroken, Figures, Peak, OpenCount, NotRun, NoReport, Kept, CertifiedAgain, FolderNote string

	verdicts, sentences map[Verdict]string
	outcomes            map[Outcome]string
	chapters            map[string]string
	margins, timings    map[string]string
	strengths, types    map[string]string
	observed            map[string]string
}

var inEnglish = phrases{ //nolint:dupl // the same members in the other language
	Tag: "en", Key: "en",
	Skip: "Skip to the content", Language: "Language", Contents: "Contents", Certification: "Certification of ", Colon: ": ", Comma: ", ",

	Fault: "Could not be assessed", FaultNote: "This says nothing of the image. Mend this first, then certify again.", LeftBehind: "Left behind on this machine",
	Verdict: "Verdict", AsEvent: "As event function", AsHTTP: "As HTTP function",
	Digest: "Digest", Platform: "Architecture", Size: "Size, uncompressed", Compressed: "compressed", Estimated: "estimated", Source: "Taken from", Command: "Start command",
	When: "When", Took: "took", Contract: "Contract", Basis: "Basis", Tool: "Tool", Type: "Function type",
	Memory: "Memory", Timeout: "Timeout", InitTimeout: "start-up", Environment: "Environment variables", Enforcement: "What was enforced",
	EnforcementNote: "hard: the limit was enforced; soft: it was held less strictly than on SCF; none: it was not held.",
	Tmp:             "/tmp", Rootfs: "root file system", MemoryLimit: "memory", CPU: "CPU", Readings: "Readings that differ from the default", ReadingsNote: "The contract was read differently for this report, which may change its verdict.",
	NoReadings: "none", Probe: "The image answers as a probe: what the code sees was seen from inside.",

	Causes: "Root causes", NoCauses: "Nothing is broken.", NotKnown: "What is broken, if anything, is not known.", Found: "Found", Required: "Required", Fix: "Fix", Or: "Or", LeavesOpen: "Leaves open", Reason: "Reason", More: "more",
	Waivers: "Waivers", WaiversNote: "Failures that somebody answers for until a date.", Justification: "Justification", Owner: "Owner", Expires: "Expires", Covers: "Open because of it; does not count",
	Margins: "Budgets", Of: "of", Over: "over the limit", Little: "little is left", Name: "Budget", Used: "Used", Limit: "Limit", Share: "Share",
	Timeline: "Cold start", TimelineNote: "The steps follow one another. Each request is the first one after a start.", TimelineTotal: "In all, until it is ready", At: "from",
	Requirements: "Requirements", Chapter: "Chapter", Requirement: "Requirement", Outcome: "Outcome", Note: "Note", Total: "all", Open: "requirements could not be assessed", Because: "because of", SeeFault: "for the fault at the top of this report",
	Level: "Level", Observed: "Observed", Clause: "Clause", Evidence: "Evidence", Duration: "Took", OnPlatform: "a requirement on the platform; it never counts against an image",
	Logs: "Log excerpts", LogsNote: "What the image printed last, as far as it was quoted.", Engine: "Engine", EngineName: "Container engine", Cut: "cut here; in all", LeftOut: "left out here for its length", ReportFiles: "The whole report is in report.json.",
	Footer: "Drawn from report.json, schema",

	Matrix: "Certification matrix", Runs: "Runs", Image: "Image", Variant: "Variant", Broken: "What does not hold, and where", NothingBroken: "Everything that was assessed holds.",
	Figures: "Figures", Peak: "Memory, peak", OpenCount: "Open", NotRun: "not run", NoReport: "could not be certified", Kept: "kept from an earlier call", CertifiedAgain: "certified again, alone",
	FolderNote: "Each run has its report in a folder of its name. Runs that went on side by side took longer than they would have alone.",

	verdicts: map[Verdict]string{Conformant: "Conformant", WithWaivers: "Conformant, with waivers", NonConformant: "Non-conformant", Inconclusive: "Inconclusive", NotSelected: "not selected"},
	sentences: map[Verdict]string{
		Conformant: "The image meets every binding requirement.", WithWaivers: "The image meets every binding requirement but for those that are waived.",
		NonConformant: "The image breaks a binding requirement.", Inconclusive: "Not enough could be assessed for a verdict on the image.",
	},
	outcomes: map[Outcome]string{Pass: "pass", Fail: "fail", Warn: "warning", NotAssessed: "open", NotApplicable: "not applicable", Waived: "waived"},
	chapters: map[string]string{
		"image": "Image", "start": "Start", "event": "Events", "http": "HTTP requests", "process": "What the code sees", "limits": "Limits", "logs": "Logs",
		"life": "Life of an instance", "platform": "The platform itself", "other": "Other",
	},
	margins:   map[string]string{"image size": "Image size", "start-up": "Start-up", "event response time": "Response time, event", "http response time": "Response time, HTTP", "memory": "Memory", "/tmp": "/tmp"},
	timings:   map[string]string{"pullMs": "Pull the image", "createMs": "Make the container", "runtimeMs": "Start the container", "readyMs": "Until it listens", "eventInvokeMs": "First event", "httpInvokeMs": "First HTTP request"},
	strengths: map[string]string{"hard": "hard", "soft": "soft", "none": "none"},
	types:     map[string]string{"event": "event", "http": "HTTP", "auto": "auto: either type counts"},
	observed:  map[string]string{"static": "without running the image", "black-box": "from outside the running function", "probe": "from inside, by a probe", "not-observable": "cannot be observed"},
}

var inChinese = phrases{ //nolint:dupl // as above
	Tag: "zh-CN", Key: "zh",
	Skip: "跳到正文", Language: "语言", Contents: "目录", Certification: "镜像认证：", Colon: "：", Comma: "，",

	Fault: "无法评估", FaultNote: "这不代表镜像有问题。请先解决此问题，再重新认证。", LeftBehind: "本机上的残留",
	Verdict: "结论", AsEvent: "作为事件函数", AsHTTP: "作为 HTTP 函数",
	Digest: "摘要", Platform: "架构", Size: "大小（解压后）", Compressed: "压缩后", Estimated: "估算", Source: "来源", Command: "启动命令",
	When: "时间", Took: "耗时", Contract: "契约", Basis: "依据", Tool: "工具", Type: "函数类型",
	Memory: "内存", Timeout: "执行超时", InitTimeout: "初始化", Environment: "环境变量", Enforcement: "限制的执行强度",
	EnforcementNote: "硬：强制执行限制；软：不如 SCF 严格；无：未执行。",
	Tmp:             "/tmp", Rootfs: "根文件系统", MemoryLimit: "内存", CPU: "CPU", Readings: "与默认不同的解读", ReadingsNote: "本报告对契约采用了不同的解读，结论可能因此不同。",
	NoReadings: "无", Probe: "该镜像可作为探针应答：代码所见由内部观察得出。",

	Causes: "根本原因", NoCauses: "没有发现问题。", NotKnown: "是否存在问题尚不清楚。", Found: "发现", Required: "要求", Fix: "修复", Or: "或者", LeavesOpen: "因此未评", Reason: "原因", More: "更多",
	Waivers: "豁免", WaiversNote: "有人负责且有期限的不符合项。", Justification: "理由", Owner: "负责人", Expires: "到期", Covers: "因此未评，不计入结论",
	Margins: "余量", Of: "/", Over: "超出限制", Little: "余量很小", Name: "项目", Used: "已用", Limit: "限制", Share: "占比",
	Timeline: "冷启动", TimelineNote: "各步骤依次进行；每个请求均为启动后的首个请求。", TimelineTotal: "到就绪为止共", At: "始于",
	Requirements: "要求", Chapter: "章节", Requirement: "要求", Outcome: "结果", Note: "说明", Total: "合计", Open: "条要求无法评估", Because: "因为", SeeFault: "原因见报告开头",
	Level: "级别", Observed: "观察方式", Clause: "条款", Evidence: "证据", Duration: "耗时", OnPlatform: "对平台的要求，不计入镜像",
	Logs: "日志摘录", LogsNote: "镜像最后的输出（仅限引用部分）。", Engine: "引擎", EngineName: "容器引擎", Cut: "在此截断，全部共", LeftOut: "因篇幅未列出", ReportFiles: "完整报告见 report.json。",
	Footer: "由 report.json 生成，格式版本",

	Matrix: "认证矩阵", Runs: "运行", Image: "镜像", Variant: "变体", Broken: "不符合项及其所在", NothingBroken: "已评估的要求均满足。",
	Figures: "数据", Peak: "内存峰值", OpenCount: "未评", NotRun: "未运行", NoReport: "无法认证", Kept: "沿用先前结果", CertifiedAgain: "已单独重新认证",
	FolderNote: "每次运行的报告位于同名文件夹中。同时进行的运行耗时会更长。",

	verdicts: map[Verdict]string{Conformant: "符合", WithWaivers: "符合（含豁免）", NonConformant: "不符合", Inconclusive: "无法判定", NotSelected: "未选择"},
	sentences: map[Verdict]string{
		Conformant: "镜像满足所有强制要求。", WithWaivers: "除已豁免的要求外，镜像满足所有强制要求。",
		NonConformant: "镜像不满足某项强制要求。", Inconclusive: "评估不足，无法对镜像作出结论。",
	},
	outcomes: map[Outcome]string{Pass: "通过", Fail: "失败", Warn: "警告", NotAssessed: "未评", NotApplicable: "不适用", Waived: "豁免"},
	chapters: map[string]string{
		"image": "镜像", "start": "启动", "event": "事件", "http": "HTTP 请求", "process": "代码所见", "limits": "限制", "logs": "日志",
		"life": "实例生命周期", "platform": "平台自身", "other": "其他",
	},
	margins:   map[string]string{"image size": "镜像大小", "start-up": "启动时间", "event response time": "响应时间（事件）", "http response time": "响应时间（HTTP）", "memory": "内存", "/tmp": "/tmp"},
	timings:   map[string]string{"pullMs": "拉取镜像", "createMs": "创建容器", "runtimeMs": "启动容器", "readyMs": "等待监听", "eventInvokeMs": "首个事件", "httpInvokeMs": "首个 HTTP 请求"},
	strengths: map[string]string{"hard": "硬", "soft": "软", "none": "无"},
	types:     map[string]string{"event": "事件函数", "http": "HTTP 函数", "auto": "自动：任一类型均可"},
	observed:  map[string]string{"static": "不运行镜像", "black-box": "从运行中的函数外部", "probe": "由探针从内部", "not-observable": "无法观察"},
}

// in chooses the words of a language.
func in(chinese bool) *phrases {
	if chinese {
		return &inChinese
	}
	return &inEnglish
}

// say is a text in this language, or in English where there is no other.
func (p *phrases) say(text diagnose.Text) string {
	if p.Key == "zh" && text.ZH != "" {
		return text.ZH
	}
	return text.EN
}

// VerdictName is a verdict for people.
func (p *phrases) VerdictName(v Verdict) string { return or(p.verdicts, v) }

// OutcomeName is an outcome for people.
func (p *phrases) OutcomeName(o Outcome) string { return or(p.outcomes, o) }

// Strength is how hard a limit was held.
func (p *phrases) Strength(of string) string { return or(p.strengths, of) }

// T are the words, where a name of theirs is hidden by one of a view's.
func (p *phrases) T() *phrases { return p }

// ID makes an id of this language.
func (p *phrases) ID(of string) string { return p.Key + "-" + name(of) }

// Mark is the sign of an outcome.
func (p *phrases) Mark(o Outcome) string { return mark(o) }

// Class is the class of an outcome.
func (p *phrases) Class(o Outcome) string {
	if slices.Contains(outcomes(), o) {
		return string(o)
	}
	return string(NotAssessed)
}

// Moment is a time for people.
func (p *phrases) Moment(t time.Time) string { return moment(t) }

// ISO is a time for machines.
func (p *phrases) ISO(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// or is the word for something, or its own name, made harmless.
func or[K ~string](words map[K]string, key K) string {
	if word, ok := words[key]; ok {
		return word
	}
	if key == "" {
		return "–"
	}
	return name(string(key))
}

// mark is a sign for an outcome, beside the word and never without it.
func mark(o Outcome) string {
	switch o {
	case Pass:
		return "✓"
	case Fail:
		return "✗"
	case Warn:
		return "!"
	case Waived:
		return "≈"
	case NotApplicable:
		return "–"
	default:
		return "?"
	}
}

// verdictOutcome is the outcome whose sign and colour a verdict has.
func verdictOutcome(v Verdict) Outcome {
	switch v {
	case Conformant:
		return Pass
	case WithWaivers:
		return Waived
	case NonConformant:
		return Fail
	case NotSelected:
		return NotApplicable
	default:
		return NotAssessed
	}
}
