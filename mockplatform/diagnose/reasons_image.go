package diagnose

// Causes that lie in the image itself.
const (
	ImageManifest     Code = "image.manifest-type"
	ImageArchitecture Code = "image.architecture"
	ImageTooLarge     Code = "image.too-large"
	ImageMemory       Code = "image.memory-guidance"
	ImageLayers       Code = "image.layer-compression"
	ImageFilesInTmp   Code = "image.start-files-in-tmp"
	ImageNotReadable  Code = "image.start-files-not-readable"
	ImageNoSuchUser   Code = "image.no-such-user"
	ImageLatest       Code = "image.latest-tag"
	ImageWaste        Code = "image.wasted-bytes"
	ImageCaches       Code = "image.package-caches"
	ImageReserved     Code = "image.reserved-variables"
	PullFailed        Code = "pull.failed"
)

func imageReasons() []Reason {
	return []Reason{
		reason(ImageManifest, "image.manifest",
			Text{"the manifest is of a type that SCF does not take", "镜像清单类型不被 SCF 支持"},
			Text{"Docker Image Manifest v2 schema 2, or OCI 1.0.0 or later", "Docker Image Manifest v2 schema 2，或 OCI 1.0.0 及以上"},
			Text{"build the image with Docker 1.10 or later, or any OCI builder, and push it again", "使用 Docker 1.10 及以上版本或任意 OCI 构建工具重新构建并推送镜像"}),
		reason(ImageArchitecture, "image.architecture",
			Text{"the image is not built for x86-64", "镜像不是为 x86-64 构建的"},
			Text{"linux/amd64, in the image's config and in the start program itself", "镜像配置与启动程序均须为 linux/amd64"},
			Text{"build for the right platform: docker build --platform linux/amd64 . (Go: GOOS=linux GOARCH=amd64 go build)", "指定平台构建：docker build --platform linux/amd64 .（Go：GOOS=linux GOARCH=amd64 go build）"}),
		reason(ImageTooLarge, "image.size",
			Text{"the image is too large", "镜像过大"},
			Text{"less than 1 GiB uncompressed", "解压后小于 1 GiB"},
			Text{"take a smaller base image, build in several stages, and remove package caches in the layer that makes them; a ticket can raise the limit", "使用更小的基础镜像、多阶段构建，并在产生缓存的同一层中清理；也可提交工单提升限额"}),
		reason(ImageMemory, "image.memory-guidance",
			Text{"the configured memory does not fit the size of the image", "配置的内存与镜像大小不匹配"},
			Text{"the page's table: image below 256 MB, 256 to 512 MB of memory; below 512 MB, 512 MB to 1 GiB; below 1 GiB, more than 1 GiB", "官方表格：镜像小于 256 MB 用 256–512 MB 内存；小于 512 MB 用 512 MB–1 GiB；小于 1 GiB 用 1 GiB 以上"},
			Text{"configure memory by the table (-memory MB), or make the image smaller", "按表格配置内存（-memory MB），或缩小镜像"}),
		reason(ImageLayers, "image.layers",
			Text{"a layer is compressed in a way that OCI 1.0.0 does not know", "镜像层使用了 OCI 1.0.0 未定义的压缩方式"},
			Text{"layers that are tar archives, plain or compressed with gzip; no page says that SCF takes anything else", "层须为 tar 或 gzip 压缩的 tar；没有文档说明 SCF 支持其他格式"},
			Text{"build with gzip layers: docker buildx build --output type=image,compression=gzip,force-compression=true …", "使用 gzip 层构建：docker buildx build --output type=image,compression=gzip,force-compression=true …"}),
		reason(PullFailed, "image.pull",
			Text{"the engine could not pull the image with the temporary credential", "引擎无法使用临时凭证拉取镜像"},
			Text{"an image that an engine can pull and unpack", "镜像可被引擎拉取并解包"},
			Text{"rebuild and push the image; layers must be gzip-compressed tar archives", "重新构建并推送镜像；层须为 gzip 压缩的 tar"}),
		reason(ImageFilesInTmp, "image.tmp",
			Text{"files that the start needs lie in /tmp, where the platform hides them", "启动所需文件位于 /tmp，会被平台挂载隐藏"},
			Text{"nothing that is needed at start below /tmp: SCF mounts an empty /tmp of 512 MB over it", "启动所需文件不能放在 /tmp：SCF 会挂载空的 512 MB /tmp"},
			Text{"copy them to another directory in the Dockerfile, such as /app", "在 Dockerfile 中复制到其他目录，例如 /app"}),
		reason(ImageNotReadable, "image.permissions",
			Text{"the user of the image may not read or execute the start files", "镜像用户无权读取或执行启动文件"},
			Text{"start files that the process's user can read and execute, in directories that it can enter", "启动文件须可被进程用户读取和执行，所在目录可进入"},
			Text{"RUN chmod 755 FILE, COPY --chown=USER --chmod=755, or remove USER from the Dockerfile", "RUN chmod 755 文件、COPY --chown=用户 --chmod=755，或删除 Dockerfile 中的 USER"}),
		reason(ImageNoSuchUser, "image.permissions",
			Text{"the image has no such user", "镜像中没有该用户"},
			Text{"a USER that the image's /etc/passwd and /etc/group know, or a number", "USER 须存在于镜像的 /etc/passwd 与 /etc/group，或使用数字"},
			Text{"RUN useradd NAME before USER NAME (not only in an earlier stage of the build), or USER 1000", "在 USER 之前 RUN useradd 用户名（不能只在之前的构建阶段），或使用 USER 1000"}),
		reason(ImageLatest, "image.tag",
			Text{"the image is named by the tag latest", "镜像使用 latest 标签"},
			Text{"a tag that names one build: what latest means changes while the function does not", "使用能标识一次构建的标签：latest 的内容会变，而函数不会随之更新"},
			Text{"tag each build, for example with its commit or version: docker tag my-function my-function:1.4.2", "为每次构建打标签，例如提交号或版本号：docker tag my-function my-function:1.4.2"}),
		reason(ImageWaste, "image.waste",
			Text{"layers hold files that later layers replace or delete", "镜像层中有被后续层覆盖或删除的文件"},
			Text{"an image as small as possible: each byte is downloaded and unpacked at a cold start", "镜像应尽可能小：每个字节都会在冷启动时下载和解压"},
			Text{"delete and change files in the RUN that makes them, or build in several stages and copy the result", "在产生文件的同一条 RUN 中删除或修改，或使用多阶段构建仅复制结果"}),
		reason(ImageCaches, "image.waste",
			Text{"the image holds caches of package managers", "镜像中残留包管理器缓存"},
			Text{"an image as small as possible: each byte is downloaded and unpacked at a cold start", "镜像应尽可能小：每个字节都会在冷启动时下载和解压"},
			Text{"apt-get install --no-install-recommends … && rm -rf /var/lib/apt/lists/*; apk add --no-cache; pip install --no-cache-dir; npm ci && npm cache clean --force", "apt-get install --no-install-recommends … && rm -rf /var/lib/apt/lists/*；apk add --no-cache；pip install --no-cache-dir；npm ci && npm cache clean --force"}),
		reason(ImageReserved, "image.reserved-variables",
			Text{"the image sets variables whose names SCF keeps for itself", "镜像设置了 SCF 保留的环境变量"},
			Text{"no ENV that begins with SCF_, QCLOUD_ or TENCENTCLOUD_, and neither USER nor USER_CODE_ROOT: the platform sets these", "ENV 不得以 SCF_、QCLOUD_ 或 TENCENTCLOUD_ 开头，也不得为 USER 或 USER_CODE_ROOT：由平台设置"},
			Text{"rename the variable in the Dockerfile", "在 Dockerfile 中更换变量名"}),
	}
}
