#pragma once
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "ariascribe/database_service.h"
#include "base/file.h"
#include "base/test_directory.h"

namespace ghost::ariascribe {

/// For tests: a PostgreSQL server of its own in a directory of its own, on a Unix socket alone, as a user without rights; gone with this.
class TestPostgres {
 public:
  TestPostgres() { why_not_ = start_up(); }
  TestPostgres(const TestPostgres&) = delete;
  TestPostgres& operator=(const TestPostgres&) = delete;
  ~TestPostgres() {
    if (server_ <= 0) return;
    ::kill(server_, SIGQUIT);
    wait_for(server_);
  }

  /// "" when it runs.
  const std::string& why_not() const { return why_not_; }
  std::string url(const std::string& database = "postgres") const { return "postgresql://ariascribe@/" + database + "?host=" + directory_.path().string(); }
  /// A database that is empty.
  std::string fresh() {
    const std::string name = "c" + std::to_string(++made_);
    auto admin = open_postgres(url());
    if (admin) static_cast<void>((*admin)->run("CREATE DATABASE " + name));
    return url(name);
  }

 private:
  static constexpr uid_t kNobody = 65534;

  std::string start_up() {
    // PostgreSQL 15 is Debian 12's; a machine with another one has it beside.
    for (const auto& each : std::filesystem::directory_iterator("/usr/lib/postgresql", error_)) {
      if (std::filesystem::exists(each.path() / "bin/initdb")) programs_ = each.path() / "bin";
    }
    if (programs_.empty()) return "no PostgreSQL in /usr/lib/postgresql";
    // It refuses to be root's. A user id of its own can enter the directory, which is deep nowhere.
    if (::geteuid() == 0 && ::chown(directory_.path().c_str(), kNobody, kNobody) != 0) return "the directory cannot be given away";
    const std::string data = (directory_ / "data").string();
    if (wait_for(start({(programs_ / "initdb").string(), "-D", data, "-U", "ariascribe", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"})) != 0) return "initdb failed: " + log();
    server_ = start({(programs_ / "postgres").string(), "-D", data, "-c", "listen_addresses=", "-c", "unix_socket_directories=" + directory_.path().string(), "-c", "fsync=off", "-c", "full_page_writes=off", "-c",
                     "shared_buffers=16MB", "-c", "max_connections=20", "-c", "autovacuum=off"});
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < end) {
      if (open_postgres(url())) return "";
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return "it does not come up: " + log();
  }

  pid_t start(const std::vector<std::string>& words) {
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    const std::string out = (directory_ / "log").string(), home = directory_.path().string();
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) ::_exit(126);
    const int log = ::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, 0);
    ::dup2(log, 1);
    ::dup2(log, 2);
    if (::chdir(home.c_str()) != 0) ::_exit(126);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  static int wait_for(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }
  std::string log() const {
    auto text = read_file(directory_ / "log", 1 << 20);
    return text ? text->substr(text->size() > 500 ? text->size() - 500 : 0) : text.error().message;
  }

  TestDirectory directory_;
  std::error_code error_;
  std::filesystem::path programs_;
  std::string why_not_;
  pid_t server_ = -1;
  int made_ = 0;
};

}  // namespace ghost::ariascribe
