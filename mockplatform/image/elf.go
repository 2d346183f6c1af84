package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
)

const elfMagic = "\x7fELF"

// elfHeader tells the machine of an ELF file and the dynamic loader that it asks for, from the file's first bytes.
// Both are empty where the bytes do not tell. (debug/elf wants the whole file.)
func elfHeader(head []byte) (machine, loader string) {
	if len(head) < 64 || !bytes.HasPrefix(head, []byte(elfMagic)) { //nolint:mnd // the length of the header
		return "", ""
	}
	var order binary.ByteOrder = binary.LittleEndian
	if head[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		order = binary.BigEndian
	}
	machine = machineName(elf.Machine(order.Uint16(head[18:])))
	reader := bytes.NewReader(head)
	if elf.Class(head[elf.EI_CLASS]) == elf.ELFCLASS64 {
		var header elf.Header64
		_ = binary.Read(reader, order, &header) // long enough
		for n := range uint64(header.Phnum) {
			at := header.Phoff + n*uint64(header.Phentsize)
			var segment elf.Prog64
			if at > uint64(len(head)) || binary.Read(bytes.NewReader(head[at:]), order, &segment) != nil {
				break
			}
			if elf.ProgType(segment.Type) == elf.PT_INTERP {
				return machine, text(head, segment.Off, segment.Filesz)
			}
		}
	}
	return machine, ""
}

func text(head []byte, offset, size uint64) string {
	if offset > uint64(len(head)) || size > uint64(len(head))-offset {
		return ""
	}
	name, _, _ := bytes.Cut(head[offset:offset+size], []byte{0})
	return string(name)
}

// machineName is the name that "uname -m" would print.
func machineName(machine elf.Machine) string {
	switch machine {
	case elf.EM_X86_64:
		return "x86_64"
	case elf.EM_AARCH64:
		return "aarch64"
	case elf.EM_ARM:
		return "arm"
	case elf.EM_386:
		return "i386"
	case elf.EM_RISCV:
		return "riscv"
	case elf.EM_S390:
		return "s390x"
	case elf.EM_PPC64:
		return "ppc64"
	default:
		return fmt.Sprintf("machine %d", machine)
	}
}
