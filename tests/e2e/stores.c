/* A service that stores descriptors: says what it was given, does what its arguments say, says that it
 * is ready, and waits. sd_notify(3), sd_listen_fds(3). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void notify(const char *text, int fd, int times)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path)
        exit(3);
    memcpy(to.sun_path, path, strlen(path));
    if (path[0] == '@')
        to.sun_path[0] = 0;
    char cargo[CMSG_SPACE(sizeof(int) * 16)] = {0};
    struct iovec part = {(void *)text, strlen(text)};
    struct msghdr message = {
        .msg_name = &to,
        .msg_namelen = offsetof(struct sockaddr_un, sun_path) + strlen(path),
        .msg_iov = &part,
        .msg_iovlen = 1,
    };
    if (fd >= 0) {
        message.msg_control = cargo;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * times);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * times);
        int *fds = (int *)CMSG_DATA(head);
        for (int at = 0; at < times; at++)
            fds[at] = at ? memfd_create("more", 0) : fd;
    }
    int from = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (sendmsg(from, &message, 0) < 0) {
        perror("sendmsg");
        exit(4);
    }
    close(from);
}

static void say_given(void)
{
    const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
    char *names = getenv("LISTEN_FDNAMES");
    if (!count) {
        printf("given nothing\n");
        return;
    }
    if (!pid || atoi(pid) != getpid())
        printf("not for me: %s\n", pid ? pid : "(none)");
    char *name = strsep(&names, ":");
    for (int at = 0; at < atoi(count); at++, name = strsep(&names, ":")) {
        char text[64] = "";
        if (pread(3 + at, text, sizeof(text) - 1, 0) < 0)
            strcpy(text, "(no file)");
        printf("given %s: %s%s\n", name, text, fcntl(3 + at, F_GETFD) ? " closes" : "");
    }
    if (fcntl(3 + atoi(count), F_GETFD) != -1)
        printf("and one too many\n");
}

int main(int argc, char **argv)
{
    char text[512];
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("life\n");
    say_given();
    for (int at = 1; at < argc; at++) {
        char *rest = argv[at];
        char *verb = strsep(&rest, "="), *name = strsep(&rest, "="), *value = rest;
        int fd = -1, times = 1;
        const char *more = "";
        if (!strcmp(verb, "remove")) {
            snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
            notify(text, -1, 0);
            continue;
        } else if (!strcmp(verb, "memo") || !strcmp(verb, "many")) {
            fd = memfd_create(name, 0);
            if (value && write(fd, value, strlen(value)) < 0)
                return 5;
            if (!strcmp(verb, "many"))
                times = atoi(value);
        } else {
            /* The reader of a pipe that nobody writes to any more. */
            int ends[2];
            if (pipe(ends) < 0)
                return 6;
            close(ends[1]);
            fd = ends[0];
            if (!strcmp(verb, "unpolled"))
                more = "\nFDPOLL=0";
        }
        snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s%s", name, more);
        notify(text, fd, times);
        /* The same again is no second one. */
        notify(text, fd, 1);
    }
    notify("READY=1", -1, 0);
    for (;;)
        pause();
}
