package diagnose

// Causes that a probe shows: what arrives inside the process.
const (
	ProcessEnvironment Code = "environment.lost"
	ProcessHeaders     Code = "headers.lost"
	ProcessRequest     Code = "request.changed"
	ProcessTmp         Code = "tmp.not-writable"
)

func processReasons() []Reason {
	return []Reason{
		reason(ProcessEnvironment, "environment.process",
			Text{"variables do not reach the code of the function", "环境变量没有到达函数代码"},
			Text{"the eight built-in variables and those of the configuration, unchanged, in the process that runs the code", "运行代码的进程须能看到八个内置变量与配置的变量，且未被修改"},
			Text{"hand the environment on in start scripts and supervisors (exec program, no env -i, supervisord: environment is inherited unless it is set)", "启动脚本与进程管理器须传递环境变量（使用 exec，不要 env -i）"}),
		reason(ProcessHeaders, "headers.process",
			Text{"headers do not reach the code of the function", "请求头没有到达函数代码"},
			Text{"the common X-Scf-* headers of every request reach the code, unchanged", "每个请求的公共 X-Scf-* 请求头须原样到达代码"},
			Text{"hand them on in the image's proxy or framework (nginx: underscores_in_headers, proxy_pass_request_headers on;)", "镜像内的代理或框架须传递请求头（nginx：proxy_pass_request_headers on;）"}),
		reason(ProcessRequest, "request.process",
			Text{"path, query or body reach the code changed", "路径、查询或请求体到达代码时已被修改"},
			Text{"the same bytes of path, query and body as were sent", "路径、查询与请求体的字节须与发送的一致"},
			Text{"do not decode, merge or normalise in the image's proxy or framework (nginx: proxy_pass without a URI, merge_slashes off;)", "镜像内的代理或框架不要解码、合并或规范化（nginx：proxy_pass 不带 URI，merge_slashes off;）"}),
		reason(ProcessTmp, "limits.tmp-writable",
			Text{"the code cannot write to /tmp", "代码无法写入 /tmp"},
			Text{"/tmp is readable and writable for the process that runs the code", "运行代码的进程须能读写 /tmp"},
			Text{"do not mount or change /tmp in start scripts, and set TMPDIR to /tmp or to nothing", "启动脚本不要挂载或更改 /tmp，TMPDIR 设为 /tmp 或不设置"}),
	}
}

// Causes that show while a function runs.
const (
	TmpTooMuch        Code = "tmp.fills-up"
	TmpNoRecovery     Code = "tmp.no-recovery"
	RunWrites         Code = "run.writes-rootfs"
	RunMemoryMargin   Code = "run.little-memory-left"
	RunDescriptors    Code = "run.descriptors-leak"
	RunThreads        Code = "run.threads-leak"
	RunNoRecovery     Code = "run.no-recovery"
	LogsBuffered      Code = "logs.buffered"
	LogsCredentials   Code = "logs.credentials"
	LifeIgnoresSignal Code = "life.ignores-sigterm"
	LifeFreeze        Code = "life.freeze"
	LifeZombies       Code = "life.zombies"
)

func runReasons() []Reason {
	return []Reason{
		reason(TmpTooMuch, "limits.tmp-usage",
			Text{"files in /tmp add up", "/tmp 中的文件不断累积"},
			Text{"/tmp has 512 MB and lives as long as the instance: its use must not grow with every request", "/tmp 为 512 MB，与实例同寿命：不能随每个请求增长"},
			Text{"delete temporary files when a request ends (Python: tempfile.TemporaryDirectory, Node: fs.rm, Java: deleteOnExit is too late)", "请求结束时删除临时文件（Python：tempfile.TemporaryDirectory，Node：fs.rm，Java：deleteOnExit 太晚）"}),
		reason(TmpNoRecovery, "limits.tmp-full",
			Text{"the function does not recover after /tmp was full", "/tmp 写满后函数无法恢复"},
			Text{"once there is room in /tmp again the next request is served", "/tmp 恢复空间后须能处理下一个请求"},
			Text{"handle a failed write (ENOSPC) as an error of the request, and do not end or lock up", "把写入失败（ENOSPC）作为请求错误处理，不要退出或卡死"}),
		reason(RunWrites, "limits.writes",
			Text{"the function tries to write outside /tmp while it serves", "函数在处理请求时尝试写入 /tmp 以外的位置"},
			Text{"only /tmp can be written; what is written elsewhere is lost even where it does no harm", "仅 /tmp 可写；写到其他位置的内容会丢失"},
			Text{"write below /tmp, or switch the writing off. " + writableSnippets, "写入 /tmp，或关闭写入。" + writableSnippets}),
		reason(RunMemoryMargin, "limits.memory",
			Text{"the function uses most of its memory", "函数几乎用尽内存"},
			Text{"some memory left: a larger request would end it with 434", "须留有余量：更大的请求会以 434 结束"},
			Text{"configure the next size of memory (-memory), or use less", "配置更大一档的内存（-memory），或减少占用"}),
		reason(RunDescriptors, "limits.descriptors",
			Text{"open files add up from request to request", "打开的文件随请求不断增加"},
			Text{"at most 1024 open files, and as many after a request as before it", "最多 1024 个打开的文件，请求前后数量不变"},
			Text{"close files, sockets and response bodies when a request ends", "请求结束时关闭文件、套接字与响应体"}),
		reason(RunThreads, "limits.descriptors",
			Text{"processes or threads add up from request to request", "进程或线程随请求不断增加"},
			Text{"at most 1024 processes and threads, and as many after a request as before it", "进程与线程最多 1024 个，请求前后数量不变"},
			Text{"end threads and wait for children when a request ends; use a pool", "请求结束时结束线程并等待子进程；使用线程池"}),
		reason(RunNoRecovery, "limits.recovers",
			Text{"after an instance was ended the next request fails", "实例被终止后下一个请求失败"},
			Text{"a new instance serves when one was ended by a timeout or a crash", "实例因超时或崩溃结束后，新实例须能提供服务"},
			Text{"depend on nothing that an earlier instance leaves behind", "不要依赖先前实例遗留的内容"}),
		reason(LogsBuffered, "logs.unbuffered",
			Text{"output stays in a buffer and misses its request's log", "输出停留在缓冲区，未进入对应请求的日志"},
			Text{"stdout and stderr arrive while the request is served", "stdout 与 stderr 须在处理请求期间到达"},
			Text{"Python: ENV PYTHONUNBUFFERED=1 (print keeps its lines to itself otherwise), or print(..., flush=True); C: setvbuf(stdout, NULL, _IOLBF, 0); PHP: fwrite to php://stderr", "Python：ENV PYTHONUNBUFFERED=1（否则 print 会缓冲），或 print(..., flush=True)；C：setvbuf(stdout, NULL, _IOLBF, 0)；PHP：写入 php://stderr"}),
		reason(LogsCredentials, "logs.credentials",
			Text{"a credential of the request's headers is in the log or in the answer", "请求头中的凭证出现在日志或应答中"},
			Text{"X-Scf-Secret-Id, -Key and -Session-Token stay inside the function", "X-Scf-Secret-Id、-Key、-Session-Token 不得离开函数"},
			Text{"do not log or return whole header sets; leave these three out", "不要记录或返回全部请求头；排除这三个"}),
		reason(LifeIgnoresSignal, "life.sigterm",
			Text{"SIGTERM does not end the process", "SIGTERM 无法结束进程"},
			Text{"a process that ends by itself when it is told to, so that it can finish what it does", "收到信号后自行结束，以便完成手头工作"},
			Text{`handle SIGTERM (Node: process.on("SIGTERM", …), Python: signal.signal), use exec in start scripts, or put an init such as tini in front: the first process of a container ignores signals that it does not handle`, `处理 SIGTERM（Node：process.on("SIGTERM", …)，Python：signal.signal），启动脚本使用 exec，或使用 tini：容器首进程会忽略未处理的信号`}),
		reason(LifeFreeze, "life.freeze",
			Text{"the function does not serve after it stood still", "函数在被冻结后无法提供服务"},
			Text{"an instance may stand still between requests: no page promises time in between", "实例在请求之间可能被冻结：没有文档保证期间可运行"},
			Text{"do not count on timers or background work between requests; open connections again when they have gone", "不要依赖请求间的定时器或后台工作；连接失效后重新建立"}),
		reason(LifeZombies, "life.zombies",
			Text{"ended children are not waited for", "已结束的子进程未被回收"},
			Text{"no zombies: each takes one of 1024 processes", "不留僵尸进程：每个占用 1024 个进程名额之一"},
			Text{"wait for children, or start the program by an init such as tini (ENTRYPOINT [\"tini\", \"--\", …])", "等待子进程，或使用 tini 等 init 启动（ENTRYPOINT [\"tini\", \"--\", …]）"}),
	}
}
