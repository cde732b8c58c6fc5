#include "workflow/command_service.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/unique_fd.h"

extern char** environ;

namespace ghost::workflow {

namespace {

constexpr std::size_t kMostOutput = 1024 * 1024;

Result<UniqueFd> memory_file(std::string_view contents) {
  UniqueFd file(::memfd_create("ghostlight", MFD_CLOEXEC));
  if (!file) return errno_error("create", "memory file");
  if (::write(file.get(), contents.data(), contents.size()) != static_cast<ssize_t>(contents.size())) return errno_error("write", "memory file");
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string contents_of(int file) {
  ::lseek(file, 0, SEEK_SET);
  std::string text;
  char piece[4096];
  while (text.size() < kMostOutput) {
    const ssize_t got = ::read(file, piece, sizeof piece);
    if (got <= 0) break;
    text.append(piece, static_cast<std::size_t>(got));
  }
  return text;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

Result<std::string> find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  std::string folders = std::string(path == nullptr ? "" : path) + ":/usr/sbin:/sbin:/usr/bin:/bin";
  for (std::size_t at = 0; at < folders.size();) {
    const std::size_t end = std::min(folders.find(':', at), folders.size());
    const std::filesystem::path candidate = std::filesystem::path(folders.substr(at, end - at)) / name;
    if (candidate.is_absolute() && ::access(candidate.c_str(), X_OK) == 0) return candidate.string();
    at = end + 1;
  }
  return Error{Errc::not_found, "the program '" + std::string(name) + "' is not installed"};
}

Result<std::string> run_command(const std::vector<std::string>& command, std::string_view input) {
  const auto program = find_program(command.front());
  if (!program) return program.error();
  const auto in = memory_file(input);
  const auto out = memory_file({});
  const auto err = memory_file({});
  for (const auto* file : {&in, &out, &err}) {
    if (!*file) return file->error();
  }
  std::vector<char*> arguments;
  for (const std::string& one : command) arguments.push_back(const_cast<char*>(one.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in->get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out->get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err->get(), STDERR_FILENO);
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, program->c_str(), &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) return errno_error(failed, "start", *program);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return contents_of(out->get());
  std::string line;
  for (const std::string& one : command) line += (line.empty() ? "" : " ") + one;
  return Error{Errc::io, line + ": " + trimmed(contents_of(err->get()))};
}

}  // namespace ghost::workflow
