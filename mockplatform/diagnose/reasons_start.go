package diagnose

// Causes that show while a function starts.
const (
	StartNoCommand        Code = "start.no-command"
	StartNotFound         Code = "start.command-not-found"
	StartNotExecutable    Code = "start.not-executable"
	StartLineInElement    Code = "start.command-line-in-element"
	StartInterpreter      Code = "start.interpreter-missing"
	StartCRLF             Code = "start.crlf"
	StartWords            Code = "start.command-words"
	StartArgsKept         Code = "start.args-kept"
	StartWritesRootfs     Code = "start.writes-rootfs"
	StartWritesVolume     Code = "start.writes-volume"
	StartExited           Code = "start.exited"
	StartMissing          Code = "start.missing-dependency"
	StartVariable         Code = "start.missing-variable"
	StartDenied           Code = "start.permission-denied"
	StartOutOfMemory      Code = "start.out-of-memory"
	StartSlowForMemory    Code = "start.slow-for-memory"
	ListenLoopback        Code = "listen.loopback-only"
	ListenWrongPort       Code = "listen.wrong-port"
	ListenNever           Code = "listen.never"
	ListenIPv6Only        Code = "listen.ipv6-only"
	StartTooSlow          Code = "start.too-slow"
	StartLittleHeadroom   Code = "start.little-headroom"
	StartNotAgain         Code = "start.not-again"
	StartBareConnection   Code = "start.bare-connection"
	StartNeedsItsUser     Code = "start.needs-its-user"
	StartNeedsCredentials Code = "start.needs-credentials"
)

// listenSnippets show the right address in the common stacks.
const listenSnippets = `Go: http.ListenAndServe("0.0.0.0:9000", nil)
Flask: app.run(host="0.0.0.0", port=9000); gunicorn: gunicorn -b 0.0.0.0:9000 app:app
Express: app.listen(9000, "0.0.0.0")
Spring Boot: server.address=0.0.0.0 and server.port=9000
PHP: php -S 0.0.0.0:9000; nginx: listen 9000;`

const writableSnippets = `nginx: pid and client_body_temp_path below /tmp; Python: PYTHONDONTWRITEBYTECODE=1 and tempfile; Java: -Djava.io.tmpdir=/tmp; PHP: session.save_path=/tmp; npm: npm_config_cache=/tmp/npm; try it with: docker run --read-only --tmpfs /tmp -p 9000:9000 IMAGE`

const tryLocally = "docker run --read-only --tmpfs /tmp -p 9000:9000 IMAGE"

func startReasons() []Reason {
	return []Reason{
		reason(StartNoCommand, "start.command",
			Text{"nothing says what to start", "没有启动命令"},
			Text{"Command, or an ENTRYPOINT or CMD in the image", "配置 Command，或镜像中定义 ENTRYPOINT 或 CMD"},
			Text{`add an ENTRYPOINT to the Dockerfile, such as ENTRYPOINT ["python3", "app.py"]`, `在 Dockerfile 中加入 ENTRYPOINT，例如 ENTRYPOINT ["python3", "app.py"]`}),
		reason(StartNotFound, "start.command",
			Text{"the start program does not exist in the image", "镜像中找不到启动程序"},
			Text{"the first word of the start command is a file of the image", "启动命令的第一个词必须是镜像中的文件"},
			Text{"give the program's absolute path, and check that COPY puts it there", "使用程序的绝对路径，并确认 COPY 的目标位置"}),
		reason(StartNotExecutable, "start.command",
			Text{"the start program is not executable", "启动程序没有执行权限"},
			Text{"execute permission, 755 or 777", "需要执行权限 755 或 777"},
			Text{"RUN chmod 755 FILE in the Dockerfile, or COPY --chmod=755; archives made on Windows lose the permission", "在 Dockerfile 中 RUN chmod 755 文件，或 COPY --chmod=755；Windows 打包会丢失权限"}),
		reason(StartLineInElement, "start.command",
			Text{"one element of the start command holds a whole command line", "启动命令的一个元素包含整行命令"},
			Text{"one word in each element: nothing splits them, and there is no shell", "每个元素只放一个词：不会拆分，也没有 shell"},
			Text{`write ENTRYPOINT ["program", "argument"] instead of ENTRYPOINT ["program argument"]`, `写成 ENTRYPOINT ["program", "argument"]，不要写 ENTRYPOINT ["program argument"]`}),
		reason(StartInterpreter, "start.command",
			Text{"the interpreter or loader of the start program does not exist in the image", "镜像中缺少启动程序的解释器或加载器"},
			Text{"the interpreter of the script's first line, or the program's dynamic loader, is in the image", "镜像须包含脚本首行的解释器或程序的动态加载器"},
			Text{"install it, correct the script's first line, or link the program statically (Go: CGO_ENABLED=0)", "安装解释器、修正脚本首行，或静态链接（Go：CGO_ENABLED=0）"}),
		reason(StartCRLF, "start.command",
			Text{"the start script has DOS line ends", "启动脚本使用 DOS 换行符"},
			Text{"Unix line ends: with CRLF the interpreter's name ends in a carriage return and is not found", "使用 Unix 换行符：CRLF 会使解释器名称多出回车而找不到"},
			Text{"RUN sed -i 's/\\r$//' FILE, or set *.sh text eol=lf in .gitattributes", "RUN sed -i 's/\\r$//' 文件，或在 .gitattributes 中设置 *.sh text eol=lf"}),
		reason(StartWords, "start.command-form",
			Text{"Command holds several words", "Command 包含多个词"},
			Text{"one runnable program in Command, its arguments in Args", "Command 为一个可执行程序，参数放在 Args"},
			Text{"Command: node, Args: index.js, instead of Command: node index.js", "Command: node，Args: index.js，而不是 Command: node index.js"}),
		reason(StartArgsKept, "start.command-form",
			Text{"Command is set and Args is not: the image's CMD is kept as arguments", "设置了 Command 而未设置 Args：镜像的 CMD 会作为参数保留"},
			Text{"Args set together with Command, unless the image's CMD is meant", "与 Command 一起设置 Args，除非确实需要镜像的 CMD"},
			Text{"set Args too (-command-args)", "同时设置 Args（-command-args）"}),
		reason(StartWritesRootfs, "start.read-only-root",
			Text{"the function writes outside /tmp when it starts", "函数启动时写入 /tmp 以外的位置"},
			Text{"a read-only root file system, where only /tmp can be written", "根文件系统只读，仅 /tmp 可写"},
			Text{"write below /tmp instead. " + writableSnippets, "改为写入 /tmp。" + writableSnippets}),
		reason(StartWritesVolume, "start.read-only-root",
			Text{"the function writes into a declared VOLUME when it starts", "函数启动时写入声明的 VOLUME"},
			Text{"a read-only root file system, declared volumes included; only /tmp can be written", "根文件系统（包括声明的卷）只读，仅 /tmp 可写"},
			Text{"write below /tmp instead, and remove VOLUME from the Dockerfile", "改为写入 /tmp，并删除 Dockerfile 中的 VOLUME"}),
		reason(StartExited, "start.alive",
			Text{"the process ended before it was ready", "进程在就绪前退出"},
			Text{"a process that stays alive and serves; even a normal end counts as failure", "进程须持续运行并提供服务；正常退出也算失败"},
			Text{"read its last words above; run it locally with: " + tryLocally, "查看上方最后输出；本地运行：" + tryLocally}),
		reason(StartMissing, "start.alive",
			Text{"a module or library is missing in the image, or of the wrong version", "镜像缺少模块或库，或版本不符"},
			Text{"everything that the program loads is in the image; this is about the image's content, not about the port", "程序加载的所有内容都在镜像中；这是镜像内容问题，与端口无关"},
			Text{"install it in the Dockerfile (pip install -r requirements.txt, npm ci --omit=dev, apt-get install), for the runtime's own version and for linux/amd64", "在 Dockerfile 中安装（pip install -r requirements.txt、npm ci --omit=dev、apt-get install），并匹配运行时版本与 linux/amd64"}),
		reason(StartVariable, "start.alive",
			Text{"the process ended for a missing environment variable", "进程因缺少环境变量而退出"},
			Text{"the variables that the program needs: those of the function's configuration, beside the eight built-in ones", "程序所需变量：除八个内置变量外，须在函数配置中设置"},
			Text{"configure it (-env NAME=VALUE here, environment variables of the function on SCF), or give it a default", "在此处用 -env NAME=VALUE、在 SCF 函数配置中设置，或在程序中给出默认值"}),
		reason(StartDenied, "start.alive",
			Text{"the process was denied a file and ended", "进程因文件权限被拒绝而退出"},
			Text{"files that the process's user may read; no files of other users with restricted access", "文件须可被进程用户读取；不要依赖其他用户的受限文件"},
			Text{"COPY --chown=USER, RUN chmod -R a+rX DIR, or remove USER from the Dockerfile", "COPY --chown=用户、RUN chmod -R a+rX 目录，或删除 Dockerfile 中的 USER"}),
		reason(StartOutOfMemory, "start.memory",
			Text{"the process was killed for its memory before it was ready", "进程在就绪前因内存不足被终止"},
			Text{"the start needs no more than the configured memory", "启动所需内存不超过配置值"},
			Text{"configure more memory (-memory), or load less at start", "提高内存配置（-memory），或减少启动时加载"}),
		reason(StartSlowForMemory, "start.memory",
			Text{"the configured memory, and the CPU that comes with it, is too little to start in time", "配置的内存及相应 CPU 不足以按时启动"},
			Text{"ready in time with CPU = memory/1280 of a core", "在 CPU = 内存/1280 核的条件下按时就绪"},
			Text{"configure more memory, which brings more CPU (-memory), or load less at start (Java: class data sharing, a smaller heap)", "提高内存配置（CPU 随之增加，-memory），或减少启动时加载（Java：类数据共享、更小的堆）"}),
		reason(ListenLoopback, "start.listen",
			Text{"the server listens on the loopback address only", "服务仅监听回环地址"},
			Text{"0.0.0.0:9000 (or [::]:9000 that takes IPv4 too)", "监听 0.0.0.0:9000（或同时接受 IPv4 的 [::]:9000）"},
			Text{"bind to every address.\n" + listenSnippets, "绑定到所有地址。\n" + listenSnippets}),
		reason(ListenWrongPort, "start.listen",
			Text{"the server listens on another port", "服务监听了其他端口"},
			Text{"0.0.0.0:9000; the port is fixed, and SCF sets no PORT variable", "监听 0.0.0.0:9000；端口固定，SCF 不设置 PORT 变量"},
			Text{"listen on 9000.\n" + listenSnippets, "监听 9000 端口。\n" + listenSnippets}),
		reason(ListenIPv6Only, "start.listen",
			Text{"the server takes IPv6 connections only", "服务仅接受 IPv6 连接"},
			Text{"0.0.0.0:9000, or [::]:9000 that takes IPv4 too", "监听 0.0.0.0:9000，或同时接受 IPv4 的 [::]:9000"},
			Text{"bind to 0.0.0.0, or switch IPV6_V6ONLY off.\n" + listenSnippets, "绑定 0.0.0.0，或关闭 IPV6_V6ONLY。\n" + listenSnippets}),
		reason(ListenNever, "start.listen",
			Text{"nothing ever listens on port 9000", "始终没有服务监听 9000 端口"},
			Text{"an HTTP server on 0.0.0.0:9000", "在 0.0.0.0:9000 提供 HTTP 服务"},
			Text{"start an HTTP server in the start program; listen first and connect to databases later.\n" + listenSnippets, "在启动程序中启动 HTTP 服务；先监听，后连接数据库。\n" + listenSnippets}),
		reason(StartTooSlow, "start.time",
			Text{"the server listens too late", "服务监听过晚"},
			Text{"ready within the initialisation timeout, 30 s by default", "须在初始化超时内就绪，默认 30 秒"},
			Text{"listen first and load or connect later; a function may also set a longer initialisation timeout (-init-timeout)", "先监听，后加载或连接；也可设置更长的初始化超时（-init-timeout）"}),
		reason(StartLittleHeadroom, "start.headroom",
			Text{"the server is ready late", "服务就绪较晚"},
			Text{"ready in half of the limit: the platform's machines are not always as fast as this one", "在时限的一半内就绪：平台机器不一定与本机一样快"},
			Text{"load less before listening, or configure more memory, which brings more CPU", "减少监听前的加载，或提高内存配置（CPU 随之增加）"}),
		reason(StartNotAgain, "start.again",
			Text{"the function started once and then failed to start again", "函数首次启动成功，再次启动失败"},
			Text{"every cold start is the same: an instance finds nothing of another one", "每次冷启动都相同：实例之间不共享任何内容"},
			Text{"look for what the start takes from outside the image: a clock, a random choice, a service, a lock", "检查启动依赖的镜像外因素：时钟、随机、外部服务、锁"}),
		reason(StartBareConnection, "start.bare-connection",
			Text{"a connection without a request ends the server", "没有请求的连接会导致服务退出"},
			Text{"a server that bears a TCP connection which is opened and closed: the platform finds out so that it is ready", "服务须能承受只建立并关闭的 TCP 连接：平台以此判断是否就绪"},
			Text{"treat an end of input before a request as nothing, and do not end the process for an error of one connection", "把请求前的连接关闭视为正常，不要因单个连接错误退出进程"}),
		reason(StartNeedsItsUser, "start.other-uid",
			Text{"the function starts only as the user of its image", "函数只能以镜像中的用户身份启动"},
			Text{"a function that starts as another uid too: no page says as whom SCF runs it", "函数也能以其他 uid 启动：没有文档说明 SCF 使用的用户"},
			Text{"RUN chmod -R a+rX /app, write below /tmp only, and do not look up the user's name (getpwuid fails for an unknown uid)", "RUN chmod -R a+rX /app，仅写入 /tmp，不要查询用户名（未知 uid 时 getpwuid 失败）"}),
		reason(StartNeedsCredentials, "start.no-role",
			Text{"the function does not work without credential headers", "函数在没有凭证请求头时无法工作"},
			Text{"a function that copes without X-Scf-Secret-Id, -Key and -Session-Token: they come only with an execution role", "没有 X-Scf-Secret-Id、-Key、-Session-Token 时也能工作：仅配置运行角色后才有"},
			Text{"treat the absence of the three headers as \"no role\"; configure an execution role on SCF if the function needs one", "三个请求头缺失时按“无角色”处理；若函数需要，请在 SCF 配置运行角色"}),
	}
}
