/// The smallest file with a plug-in's note: ELF header, one program header, the segment. Nothing that could be opened.
#pragma once

#include <elf.h>

#include <cstring>
#include <string>

#include <ophion/plugin.h>

inline std::string elf_with(const std::string& segment) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_DYN;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof header;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr part{};
  part.p_type = PT_NOTE;
  part.p_offset = sizeof header + sizeof part;
  part.p_filesz = segment.size();
  std::string bytes(sizeof header + sizeof part, '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, &part, sizeof part);
  return bytes + segment;
}

inline std::string bytes_of(const ophion::PluginNote& note) { return {reinterpret_cast<const char*>(&note), sizeof note}; }
