// SPDX-License-Identifier: Apache-2.0
// Computes: collections, strings, garbage, numbers, on several threads. Prints the nanoseconds it took.
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

public class Cpu {
	static double once(int round) {
		Map<String, List<Integer>> map = new HashMap<>();
		for (int i = 0; i < 300000; i++)
			map.computeIfAbsent("key" + (i * 7919L) % 20000, key -> new ArrayList<>()).add(i);
		long sum = IntStream.range(0, 400000).parallel().mapToLong(i -> Integer.toString(i * 31 + round).hashCode()).sum();
		double[] matrix = new double[250 * 250];
		for (int i = 0; i < 250; i++)
			for (int j = 0; j < 250; j++)
				for (int k = 0; k < 250; k++)
					matrix[i * 250 + j] += (i ^ k) * 1e-3 + j;
		StringBuilder text = new StringBuilder();
		map.entrySet().stream().sorted(Map.Entry.comparingByKey()).forEach(e -> text.append(e.getKey()).append(e.getValue().size()));
		return sum + text.toString().hashCode() + matrix[777];
	}

	public static void main(String[] args) {
		long start = System.nanoTime();
		double sum = 0;
		for (int round = 0; round < 12; round++)
			sum += once(round);
		if (Double.isNaN(sum))
			System.exit(1);
		System.out.println(System.nanoTime() - start);
	}
}
