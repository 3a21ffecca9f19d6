# SPDX-License-Identifier: Apache-2.0
# rootfs: network
# iproute2, iputils-ping, net-tools and Python's interfaces, in a network that is lo.
exec 2>&1
echo "127.0.0.1 localhost" >/etc/hosts
plain() { sed 's/time=[0-9.]* ms/time/; s/time [0-9]*ms/time/; s/^rtt.*/rtt/; s/icmp_seq=\([0-9]*\) ttl/seq \1 ttl/'; }
ip addr; ip -br link; ip -s link show lo | head -2; ip link show nosuch
ip route show table all; ip -6 route show table all; ip rule; ip -6 rule; ip neigh
ip route get 127.0.0.1; ip -6 route get ::1; ip route get 8.8.8.8
ip addr add 10.1.2.3/24 dev lo; ip -4 addr; ip route get 10.1.2.77; ping -c1 -W2 10.1.2.3 | plain; ping -c1 -W2 -I 10.1.2.3 127.0.0.1 | plain
refused() { sed 's/^Error: .*/refused/; s/^RTNETLINK answers: .*/refused/'; } # the words are the kernel's
ip addr add 10.1.2.3/24 dev lo 2>&1 | refused; ip addr del 10.1.2.3/24 dev lo; ip addr del 10.1.2.3/24 dev lo 2>&1 | refused
ip -6 addr add 2001:db8::1/64 dev lo; ip -6 addr show dev lo; ping -c1 -W2 2001:db8::1 | plain; ip -6 addr del 2001:db8::1/64 dev lo
ip monitor link & sleep 0.3; ip link set lo mtu 1400; sleep 0.2; kill %1; wait; ip link set lo mtu 65536
ip link set lo down; ip link; ip link set lo up; ip -br addr
ping -c2 -i0.2 -W2 127.0.0.1 | plain; ping -c1 -W2 ::1 | plain; ping -c1 -W2 -s 2000 -t 9 localhost | plain; ping -c1 -W1 192.0.2.1 | plain
r() { ip "$@" 2>&1 | refused; }
r route add 10.5.0.0/16 dev lo; r route add 10.5.0.0/16 dev lo; r route add 10.5.1.0/24 dev lo metric 7 src 127.0.0.1; r route get 10.5.1.1
r route add blackhole 10.6.0.0/16; r route add unreachable 10.7.0.0/16; r route add prohibit 10.8.0.0/16; r route; cat /proc/net/route
r route get 10.6.0.1; r route get 10.7.0.1; r route replace 10.5.0.0/16 dev lo metric 5; r route; r route del 10.5.0.0/16; r route del 10.5.0.0/16; r route del 10.5.0.0/16
r route add 10.5.0.1/16 dev lo; r route add default via 10.99.0.1; r route add default dev lo; r route; r route del default; r route append 10.5.1.0/24 dev lo metric 9
r route; r route flush 10.5.1.0/24; r route add 10.9.0.0/16 dev nosuch
r -6 route add 2001:db8:1::/48 dev lo; r -6 route; r -6 route get 2001:db8:1::1; r -6 route del 2001:db8:1::/48; r -6 route add unreachable 2001:db8:2::/48; r -6 route
r link set lo txqueuelen 500; r link set lo promisc on; r link show lo; r link del lo; r link set lo promisc off; r link set lo txqueuelen 1000
python3 - <<'END'
import socket
for address in ("10.6.0.1", "10.7.0.1", "10.8.0.1", "8.8.8.8"):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        try:
            socket.socket(socket.AF_INET, kind).connect((address, 9))
        except OSError as e:
            print(address, kind, e)
END
python3 - <<'END'
import socket, subprocess
tcp = socket.socket(); tcp.bind(("127.0.0.1", 8000)); tcp.listen(5)
six = socket.socket(socket.AF_INET6); six.bind(("::", 8001)); six.listen(7)
client = socket.create_connection(("127.0.0.1", 8000))
udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); udp.bind(("::", 5353))
unix = socket.socket(socket.AF_UNIX); unix.bind("\0ss-test"); unix.listen(3)
run = lambda *a: print(subprocess.run(a, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout)
for options in ("-tln", "-uan", "-tln6"):
    run("ss", *options.split())
run("sh", "-c", "ss -xln | grep ss-test | tr -s ' ' | cut -d' ' -f1-5")
run("netstat", "-tuln")
print(socket.if_nameindex(), socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG))
print(socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_DGRAM), socket.gethostbyname("localhost"))
END
ifconfig lo | head -3; route -n
cat /sys/class/net/lo/mtu /sys/class/net/lo/address /sys/class/net/lo/operstate /sys/class/net/lo/type; ls /sys/class/net
cat /proc/net/if_inet6 /proc/net/route; head -3 /proc/net/dev | cut -c1-7
