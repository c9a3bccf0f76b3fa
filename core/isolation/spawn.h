/// Starts programs of Ophion's own, which get of this process what they are given and nothing else.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace ophion {

/// `files` are its numbers from 3 on; its standard input is empty; no signal is blocked or ignored there; it has a group of its own, so
/// that Ctrl-C in a terminal is this process's alone. `environment` ("NAME=value") comes before what this process has. Its number, or
/// minus errno.
pid_t spawn(const std::filesystem::path& program, const std::vector<std::string>& arguments, const std::vector<int>& files,
            const std::vector<std::string>& environment = {});

/// The program that is worker, and keeper of folders.
std::filesystem::path worker_program();

}  // namespace ophion
