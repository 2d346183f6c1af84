package diagnose

// Causes that are ours: a fault of the mock platform or of the engine.
const (
	PlatformEnvironment  Code = "platform.environment"
	PlatformHeaders      Code = "platform.headers"
	PlatformTrigger      Code = "platform.trigger-source"
	PlatformClient       Code = "platform.client-headers"
	PlatformPassThrough  Code = "platform.pass-through"
	PlatformLogs         Code = "platform.logs"
	PlatformLimits       Code = "platform.limits"
	PlatformCredential   Code = "platform.credential"
	PlatformAcceleration Code = "platform.acceleration"
	PlatformProvisioned  Code = "platform.provisioned"
	PlatformBilling      Code = "platform.billing"
)

// Causes for which nothing can be assessed; they belong to no requirement.
const (
	PlatformFault       Code = "platform.fault"
	ImageNotFound       Code = "image.not-found"
	ImageAccessDenied   Code = "image.access-denied"
	RegistryUnreachable Code = "image.registry-unreachable"
	ImageInvalid        Code = "image.invalid"
)

func platformReasons() []Reason {
	ours := func(code Code, requirement string, summary, required Text) Reason {
		return reason(code, requirement, summary, required,
			Text{"this is a fault of the mock platform or of the engine, not of the image: report it", "这是模拟平台或引擎的问题，与镜像无关：请反馈"})
	}
	return []Reason{
		ours(PlatformEnvironment, "environment.variables",
			Text{"the platform did not show all built-in variables", "平台未提供全部内置环境变量"},
			Text{"the eight built-in environment variables", "八个内置环境变量"}),
		ours(PlatformHeaders, "headers.common",
			Text{"the platform did not send all common headers", "平台未发送全部公共请求头"},
			Text{"twelve common headers in every request", "每个请求包含十二个公共请求头"}),
		ours(PlatformTrigger, "headers.trigger-source",
			Text{"the platform did not name the trigger as it should", "平台未正确标明触发来源"},
			Text{"X-Scf-Trigger-Src: Timer with an event of a timer, and only then", "仅定时触发时带 X-Scf-Trigger-Src: Timer"}),
		ours(PlatformClient, "headers.client",
			Text{"a client's X-Scf-* headers got through the platform", "客户端发送的 X-Scf-* 请求头穿过了平台"},
			Text{"the documented X-Scf-* headers are the platform's own, whatever a client sends", "文档规定的 X-Scf-* 请求头由平台设置，与客户端无关"}),
		ours(PlatformPassThrough, "http.pass-through",
			Text{"the platform changed an HTTP request", "平台修改了 HTTP 请求"},
			Text{"method, path, query and body pass through by the byte, header values with their multiplicity", "方法、路径、查询与请求体按字节透传，请求头值及其重复次数不变"}),
		ours(PlatformLogs, "logs.collected",
			Text{"the platform did not file output under its request", "平台未将输出归入对应请求"},
			Text{"stdout and stderr of exactly the request that wrote them", "stdout 与 stderr 归入产生它们的请求"}),
		ours(PlatformLimits, "platform.limits",
			Text{"the platform does not hold a limit", "平台未执行某项限制"},
			Text{"a read-only root, /tmp of 512 MB that can be written, 1024 open files, UTC", "只读根文件系统、可写的 512 MB /tmp、1024 个打开文件、UTC"}),
		ours(PlatformCredential, "platform.credential",
			Text{"the registry gave an image out without the right credential", "仓库在没有正确凭证时提供了镜像"},
			Text{"a pull needs the temporary user name and password of its repository", "拉取须使用该仓库的临时用户名和密码"}),
		ours(PlatformAcceleration, "platform.acceleration",
			Text{"image acceleration does not prefetch the image", "镜像加速未预取镜像"},
			Text{"an accelerated function pulls nothing at a cold start", "启用加速的函数在冷启动时不拉取镜像"}),
		ours(PlatformProvisioned, "platform.provisioned",
			Text{"a provisioned instance does not serve the first request", "预置实例未处理首个请求"},
			Text{"provisioned instances are started ahead of requests", "预置实例须在请求前启动"}),
		ours(PlatformBilling, "platform.billing",
			Text{"a bill does not add up", "账单计算有误"},
			Text{"GBs = memory in GB × duration in seconds, rounded up to 1 ms", "GBs = 内存（GB）× 时长（秒），向上取整到 1 毫秒"}),
		reason(PlatformFault, "",
			Text{"this could not be assessed", "无法评估"},
			Text{"a working container engine and a platform without faults", "可用的容器引擎与正常的平台"},
			Text{"mend what the message names and run again; the image is not to blame", "处理消息所述问题后重试；与镜像无关"}),
		reason(ImageNotFound, "",
			Text{"nobody has an image of this name", "找不到该名称的镜像"},
			Text{"the full address of an image that exists: registry, namespace, name, and a tag or digest", "存在的镜像的完整地址：仓库、命名空间、名称以及标签或摘要"},
			Text{"compare each part of the address with the registry's console; on SCF the registry must be in the function's region, and an enterprise registry needs its RegistryId", "逐段核对镜像地址与仓库控制台；在 SCF 上仓库须与函数同地域，企业版还需 RegistryId"}),
		reason(ImageAccessDenied, "",
			Text{"the registry does not give the image to you", "仓库拒绝提供该镜像"},
			Text{"the right to pull: SCF makes a temporary user name and password from yours", "拉取权限：SCF 以你的权限生成临时用户名和密码"},
			Text{"docker login REGISTRY with an account that may pull this repository; on SCF grant the function's account the right to pull", "使用有拉取权限的账户执行 docker login；在 SCF 上为账户授予拉取权限"}),
		reason(RegistryUnreachable, "",
			Text{"the registry does not answer", "无法连接镜像仓库"},
			Text{"a registry that answers from this machine", "本机可访问的镜像仓库"},
			Text{"check the host's name and the network, or certify without it: docker pull elsewhere, docker save, tar:FILE", "检查主机名与网络；或在其他机器 docker pull 后用 docker save 并以 tar:FILE 认证"}),
		reason(ImageInvalid, "",
			Text{"this is not a container image, or a damaged one", "不是容器镜像或镜像已损坏"},
			Text{"an OCI layout, a file made with docker save, or an image of an engine or a registry", "OCI 布局、docker save 文件，或引擎与仓库中的镜像"},
			Text{"make the file or the folder again", "重新生成该文件或目录"}),
	}
}
