// SPDX-License-Identifier: Apache-2.0
// OpenJDK without a network: threads, locks, collections of garbage, compiled code, processes, files, shutdown hooks.
import java.io.RandomAccessFile;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

public class Threads {
	static long work(int n) {
		long sum = 0;
		for (int i = 0; i < n; i++)
			sum = sum * 31 + (i ^ (sum >>> 7));
		return sum;
	}

	static void pool() throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(8);
		List<Future<Long>> results = new ArrayList<>();
		ConcurrentHashMap<Integer, Integer> map = new ConcurrentHashMap<>();
		for (int task = 0; task < 64; task++) {
			final int number = task;
			results.add(pool.submit(() -> {
				for (int i = 0; i < 2000; i++)
					map.merge(i % 50, 1, Integer::sum);
				return work(20000 + number);
			}));
		}
		long sum = 0;
		for (Future<Long> result : results)
			sum ^= result.get();
		pool.shutdown();
		System.out.println("pool " + sum + " " + pool.awaitTermination(60, TimeUnit.SECONDS) + " " +
			map.values().stream().mapToInt(Integer::intValue).sum());
	}

	static void garbage() {
		List<byte[]> kept = new ArrayList<>();
		long bytes = 0;
		for (int i = 0; i < 20000; i++) {
			byte[] piece = new byte[(i * 37) % 20000 + 16];
			bytes += piece.length;
			if (i % 50 == 0)
				kept.add(piece);
		}
		System.gc();
		System.out.println("garbage " + bytes + " kept " + kept.size());
	}

	static void waiting() throws Exception {
		SynchronousQueue<Integer> queue = new SynchronousQueue<>();
		Thread giver = new Thread(() -> {
			try {
				for (int i = 0; i < 2000; i++)
					queue.put(i);
			} catch (InterruptedException e) {
				System.out.println("unexpected");
			}
		});
		giver.start();
		long sum = 0;
		for (int i = 0; i < 2000; i++)
			sum += queue.take();
		giver.join();
		CyclicBarrier barrier = new CyclicBarrier(3);
		Thread[] threads = new Thread[2];
		for (int t = 0; t < 2; t++) {
			threads[t] = new Thread(() -> {
				try {
					for (int i = 0; i < 200; i++)
						barrier.await();
				} catch (Exception e) {
					System.out.println("unexpected " + e);
				}
			});
			threads[t].start();
		}
		for (int i = 0; i < 200; i++)
			barrier.await();
		for (Thread thread : threads)
			thread.join();
		Thread sleeper = new Thread(() -> {
			try {
				Thread.sleep(100000);
			} catch (InterruptedException e) {
				System.out.println("interrupted");
			}
		});
		sleeper.start();
		sleeper.interrupt();
		sleeper.join();
		long before = System.nanoTime();
		LockSupport.parkNanos(20_000_000);
		System.out.println("waiting " + sum + " " + (System.nanoTime() - before >= 20_000_000));
	}

	static int depth(int n) {
		return n + depth(n + 1);
	}

	/* What the machine turns into exceptions: signals of the kernel. */
	static void faults() {
		int[] nothing = System.nanoTime() < 0 ? new int[1] : null;
		try {
			System.out.println(nothing[0]);
		} catch (NullPointerException e) {
			System.out.println("null");
		}
		int zero = nothing == null ? 0 : 1;
		try {
			System.out.println(1 / zero);
		} catch (ArithmeticException e) {
			System.out.println("zero");
		}
		try {
			depth(0);
		} catch (StackOverflowError e) {
			System.out.println("stack");
		}
	}

	static void files() throws Exception {
		Path path = Path.of("/srv/mapped");
		try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
			file.setLength(1 << 20);
			MappedByteBuffer map = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20);
			for (int i = 0; i < 1 << 20; i++)
				map.put(i, (byte)(i * 7));
			map.force();
		}
		int sum = 0;
		for (byte b : Files.readAllBytes(path))
			sum += b & 255;
		System.out.println("files " + sum);
		Process process = new ProcessBuilder("sh", "-c", "read line; echo \"got $line\"; exit 4").start();
		process.getOutputStream().write("a line\n".getBytes());
		process.getOutputStream().close();
		System.out.println(new String(process.getInputStream().readAllBytes()).trim() + " " + process.waitFor());
		Process sleeper = new ProcessBuilder("sleep", "100").start();
		sleeper.destroy();
		System.out.println("destroyed " + sleeper.waitFor());
	}

	public static void main(String[] args) throws Exception {
		Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
		pool();
		garbage();
		waiting();
		faults();
		files();
		if (args.length > 0) {
			System.out.println("waits");
			Thread.sleep(100000);
		}
	}
}
