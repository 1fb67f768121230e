/* The floor: what the kernel alone takes for services that live in a PID namespace and a cgroup of
   their own as another user. One process, no helper, no log, no records.

   floor CGROUP SERVICE SOCKET COUNT: starts them; starts one anew whenever it ends; on a line at
   stdin kills all, waits, removes their cgroups, and exits. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char **args;
static int count;
static pid_t *pids;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void path_of(int i, char *path, size_t size) { snprintf(path, size, "%s/%d", args[1], i); }

static void start(int i) {
    char path[256], number[16];
    path_of(i, path, sizeof path);
    mkdir(path, 0755);
    int group = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (group < 0)
        die(path);
    struct clone_args how = {
        .flags = CLONE_NEWPID | CLONE_INTO_CGROUP | CLONE_VFORK,
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t)group,
    };
    pid_t pid = syscall(SYS_clone3, &how, sizeof how);
    if (pid < 0)
        die("clone3");
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (setgid(65534) || setuid(65534))
            _exit(1);
        snprintf(number, sizeof number, "%d", i);
        execl(args[2], args[2], args[3], number, (char *)NULL);
        _exit(127);
    }
    close(group);
    pids[i] = pid;
}

static volatile sig_atomic_t ended;
static void on_child(int signal) { (void)signal; ended = 1; }

int main(int argc, char **argv) {
    if (argc != 5)
        return 2;
    args = argv;
    count = atoi(argv[4]);
    pids = calloc(count, sizeof *pids);
    signal(SIGCHLD, on_child);
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    for (int i = 0; i < count; i++)
        start(i);
    struct pollfd in = {.fd = 0, .events = POLLIN};
    while (ppoll(&in, 1, NULL, &before) <= 0) {
        pid_t pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            for (int i = 0; i < count; i++)
                if (pids[i] == pid)
                    start(i);
    }
    for (int i = 0; i < count; i++)
        kill(pids[i], SIGTERM), kill(pids[i], SIGKILL); /* init of a namespace has no handler */
    while (wait(NULL) > 0)
        ;
    for (int i = 0; i < count; i++) {
        char path[256];
        path_of(i, path, sizeof path);
        rmdir(path);
    }
    return 0;
}
