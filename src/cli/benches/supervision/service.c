/* The service that every supervisor runs: tells the bench that it lives, and waits.
   service SOCKET NUMBER */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (argc != 3 || fd < 0 || strlen(argv[1]) >= sizeof to.sun_path)
        return 2;
    strcpy(to.sun_path, argv[1]);
    if (sendto(fd, argv[2], strlen(argv[2]), 0, (struct sockaddr *)&to, sizeof to) < 0)
        return 3;
    close(fd);
    for (;;)
        pause();
}
