package diagnose

// Rank is one of the ranked reasons why real functions fail on SCF, and the codes that name it: contract/runtime.md,
// section 15.
type Rank struct {
	Cause Text
	Codes []Code
}

// Ranked lists them, the most frequent first.
func Ranked() []Rank {
	return []Rank{
		{Text{"a module, library or runtime version is missing or wrong", "缺少模块、库，或运行时版本不符"}, []Code{StartMissing}},
		{Text{"the timeout of 3 s is shorter than the work", "默认 3 秒超时短于实际耗时"}, []Code{EventTimeout, HTTPTimeout}},
		{Text{"not on port 9000, or waiting for PORT", "未监听 9000 端口，或等待 PORT 变量"}, []Code{ListenWrongPort}},
		{Text{"writes outside /tmp", "写入 /tmp 以外的位置"}, []Code{StartWritesRootfs, StartWritesVolume, EventWrites, HTTPWrites, RunWrites}},
		{Text{"the start file is not executable", "启动文件没有执行权限"}, []Code{StartNotExecutable}},
		{Text{"bound to 127.0.0.1 or localhost", "绑定到 127.0.0.1 或 localhost"}, []Code{ListenLoopback, ListenIPv6Only}},
		{Text{"the process ends at start", "进程启动后退出"}, []Code{StartExited, StartVariable}},
		{Text{"too little memory: killed, or slow", "内存过小：被终止或过慢"}, []Code{StartOutOfMemory, StartSlowForMemory, EventOutOfMemory, HTTPOutOfMemory, ImageMemory}},
		{Text{"a slow start", "启动过慢"}, []Code{StartTooSlow, StartLittleHeadroom, ListenNever}},
		{Text{"the answer to a gateway's event has another shape", "网关事件的响应格式不符"}, []Code{EventIntegration}},
		{Text{"a start script with CRLF line ends", "启动脚本使用 CRLF 换行"}, []Code{StartCRLF, StartInterpreter}},
		{Text{"an ARM image", "ARM 架构镜像"}, []Code{ImageArchitecture}},
		{Text{"the image's address: tag, registry, region, right to pull", "镜像地址：标签、仓库、地域、拉取权限"}, []Code{ImageNotFound, ImageAccessDenied, RegistryUnreachable, PullFailed}},
		{Text{"Command and Args", "Command 与 Args"}, []Code{StartLineInElement, StartWords, StartArgsKept, StartNotFound, StartNoCommand}},
		{Text{"start files in /tmp", "启动文件位于 /tmp"}, []Code{ImageFilesInTmp}},
		{Text{"no POST /event-invoke", "没有 POST /event-invoke"}, []Code{EventNoRoute}},
		{Text{"the image is too big", "镜像过大"}, []Code{ImageTooLarge, ImageWaste, ImageCaches}},
		{Text{"no execution role, so no credential headers", "没有运行角色，因此没有凭证请求头"}, []Code{StartNeedsCredentials}},
		{Text{"the framework's limit on bodies", "框架的请求体限制"}, []Code{EventBodyLimit, HTTPBodyLimit}},
		{Text{"another user, or file modes", "其他用户或文件权限"}, []Code{ImageNotReadable, ImageNoSuchUser, StartDenied, StartNeedsItsUser}},
	}
}
