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
