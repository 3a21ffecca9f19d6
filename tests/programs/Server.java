// SPDX-License-Identifier: Apache-2.0
// OpenJDK over TCP: a selector that serves many channels, blocking sockets, the built-in http server and client, datagrams.
import com.sun.net.httpserver.HttpServer;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public class Server {
	/* Echoes until `clients` connections have been closed. */
	static void echo(ServerSocketChannel listener, int clients) {
		try (Selector selector = Selector.open()) {
			listener.configureBlocking(false);
			listener.register(selector, SelectionKey.OP_ACCEPT);
			while (clients > 0) {
				selector.select();
				var keys = selector.selectedKeys().iterator();
				while (keys.hasNext()) {
					SelectionKey key = keys.next();
					keys.remove();
					if (key.isAcceptable()) {
						SocketChannel channel = listener.accept();
						if (channel == null)
							continue;
						channel.configureBlocking(false);
						channel.register(selector, SelectionKey.OP_READ, ByteBuffer.allocate(8192));
						continue;
					}
					SocketChannel channel = (SocketChannel)key.channel();
					ByteBuffer buffer = (ByteBuffer)key.attachment();
					if (key.isReadable() && channel.read(buffer) < 0) {
						channel.close();
						clients--;
						continue;
					}
					buffer.flip();
					channel.write(buffer);
					int left = buffer.remaining();
					buffer.compact();
					key.interestOps((buffer.hasRemaining() ? SelectionKey.OP_READ : 0) | (left > 0 ? SelectionKey.OP_WRITE : 0));
				}
			}
		} catch (Exception e) {
			e.printStackTrace();
		}
	}

	static void selector() throws Exception {
		ServerSocketChannel listener = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0), 100);
		int port = listener.socket().getLocalPort();
		Thread server = new Thread(() -> echo(listener, 40));
		server.start();
		ExecutorService pool = Executors.newFixedThreadPool(10);
		List<CompletableFuture<Integer>> sums = new ArrayList<>();
		for (int c = 0; c < 40; c++) {
			sums.add(CompletableFuture.supplyAsync(() -> {
				int good = 0;
				try (Socket socket = new Socket("127.0.0.1", port)) {
					socket.setTcpNoDelay(true);
					InputStream in = socket.getInputStream();
					for (int i = 0; i < 100; i++) {
						byte[] data = new byte[i * 50 + 1];
						data[i] = 1;
						socket.getOutputStream().write(data);
						good += in.readNBytes(data.length)[i];
					}
				} catch (Exception e) {
					e.printStackTrace();
				}
				return good;
			}, pool));
		}
		int sum = 0;
		for (var each : sums)
			sum += each.get();
		server.join();
		listener.close();
		pool.shutdown();
		System.out.println("selector " + sum);
		try (Socket socket = new Socket()) {
			socket.connect(new InetSocketAddress("127.0.0.1", port), 1000);
		} catch (ConnectException e) {
			System.out.println(e.getMessage());
		}
		try (ServerSocket silent = new ServerSocket(0)) {
			silent.setSoTimeout(30);
			silent.accept();
		} catch (SocketTimeoutException e) {
			System.out.println(e.getMessage());
		}
	}

	static void http() throws Exception {
		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 50);
		server.createContext("/", exchange -> {
			byte[] body = exchange.getRequestBody().readAllBytes();
			exchange.sendResponseHeaders(200, body.length + 1);
			exchange.getResponseBody().write(body);
			exchange.getResponseBody().write('.');
			exchange.close();
		});
		ExecutorService pool = Executors.newFixedThreadPool(4);
		server.setExecutor(pool);
		server.start();
		HttpClient client = HttpClient.newHttpClient();
		List<CompletableFuture<HttpResponse<byte[]>>> answers = new ArrayList<>();
		for (int i = 0; i < 200; i++)
			answers.add(client.sendAsync(HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/"))
				.POST(HttpRequest.BodyPublishers.ofByteArray(new byte[i * 10])).build(), HttpResponse.BodyHandlers.ofByteArray()));
		int bytes = 0;
		for (var answer : answers)
			bytes += answer.get().body().length;
		server.stop(0);
		pool.shutdown();
		System.out.println("http " + bytes);
	}

	public static void main(String[] args) throws Exception {
		selector();
		http();
		try (DatagramSocket one = new DatagramSocket(0, InetAddress.getByName("::1")); DatagramSocket two = new DatagramSocket(0)) {
			one.setSoTimeout(10000);
			two.send(new DatagramPacket("datagram".getBytes(), 8, new InetSocketAddress("::1", one.getLocalPort())));
			DatagramPacket packet = new DatagramPacket(new byte[100], 100);
			one.receive(packet);
			System.out.println(new String(packet.getData(), 0, packet.getLength()));
		}
		NetworkInterface loopback = NetworkInterface.getByName("lo");
		System.out.println(loopback.isLoopback() + " " + loopback.isUp() + " " + loopback.getMTU());
		System.exit(0);
	}
}
