#include "portlight/owner.h"

#include <gtest/gtest.h>

namespace ghost::portlight {
namespace {

TEST(Owner, ReadsUnitsAndContainersFromCgroups) {
  const std::string id(64, 'a');
  const auto both = [](std::string_view path) {
    const CgroupOwner owner = owner_of_cgroup(path);
    return owner.unit + "|" + owner.container;
  };
  EXPECT_EQ(both("/system.slice/ssh.service"), "ssh.service|");
  EXPECT_EQ(both("/user.slice/user-1000.slice/user@1000.service/app.slice/app-code\\x2doss.scope"), "app-code-oss.scope|");
  EXPECT_EQ(both("/system.slice/docker-" + id + ".scope"), "|docker aaaaaaaaaaaa");
  EXPECT_EQ(both("/docker/" + id), "|docker aaaaaaaaaaaa");
  EXPECT_EQ(both("/machine.slice/libpod-" + id + ".scope/container"), "|libpod aaaaaaaaaaaa");
  EXPECT_EQ(both("/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope"), "|cri-containerd aaaaaaaaaaaa");
  EXPECT_EQ(both("/machine.slice/machine-web\\x2d1.scope"), "|web-1");
  EXPECT_EQ(both("/lxc.payload.web/system.slice/nginx.service"), "nginx.service|lxc web");
  EXPECT_EQ(both("/"), "|");
}

TEST(Owner, ReadsStatusLinksAndCommands) {
  const auto status = parse_process_status("Name:\tb2 host\nUmask:\t0022\nPPid:\t1\nUid:\t1000\t1000\t1000\t1000\n");
  ASSERT_TRUE(status);
  EXPECT_EQ(status->name, "b2 host");
  EXPECT_EQ(status->parent, 1);
  EXPECT_EQ(status->user, 1000u);
  EXPECT_FALSE(parse_process_status("Name:\tx\nPPid:\ty\n"));
  EXPECT_EQ(link_inode("socket:[4711]", "socket"), 4711u);
  EXPECT_EQ(link_inode("net:[4026531833]", "net"), 4026531833u);
  EXPECT_FALSE(link_inode("socket:[]", "socket"));
  EXPECT_FALSE(link_inode("pipe:[1]", "socket"));
  EXPECT_EQ(command_text(std::string_view("a\0b c\0\x1b[2J\0", 11)), "a b c \\x1b[2J");
}

TEST(Owner, IsToldInAFewWords) {
  Owner owner;
  EXPECT_EQ(owner.text(), "a process");
  owner.unit = "ssh.service";
  EXPECT_EQ(owner.text(), "a process of ssh.service");
  owner.process = "sshd";
  owner.pid = 9;
  EXPECT_EQ(owner.text(), "sshd (pid 9)");
}

}  // namespace
}  // namespace ghost::portlight
