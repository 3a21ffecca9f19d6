%% SPDX-License-Identifier: Apache-2.0
%% Messages between processes: two that answer each other, pairs at once, all to one, large binaries, a mailbox read out of order.
-module(messages).
-export([main/0, benchmark/0]).

main() ->
    io:format("ping-pong: ~p~n", [ping_pong(100000)]),
    io:format("20 pairs at once: ~p~n", [lists:sum(parallel([fun() -> ping_pong(2000) end || _ <- lists:seq(1, 20)]))]),
    io:format("all to one: ~p~n", [all_to_one(100, 2000)]),
    io:format("large binaries: ~p~n", [binaries(200)]),
    io:format("out of order: ~p~n", [out_of_order(2000)]),
    io:format("a tree of 2^12 processes: ~p~n", [tree(12)]).

%% For bench/run.py: nanoseconds of a message in all-to-one and of a message in ping-pong, added.
benchmark() ->
    ping_pong(1000), all_to_one(10, 100),
    Start = erlang:monotonic_time(nanosecond),
    ping_pong(300000),
    all_to_one(100, 6000),
    io:format("~.1f~n", [(erlang:monotonic_time(nanosecond) - Start) / 1200000]).

ping_pong(Count) ->
    Echo = spawn_link(fun Loop() -> receive {From, N} -> From ! {self(), N + 1}, Loop(); stop -> ok end end),
    Sum = ping_pong(Echo, Count, 0),
    Echo ! stop,
    Sum.

ping_pong(_, 0, Sum) -> Sum;
ping_pong(Echo, N, Sum) ->
    Echo ! {self(), N},
    receive {Echo, Answer} -> ping_pong(Echo, N - 1, Sum + Answer) end.

parallel(Funs) ->
    Main = self(),
    [receive {Pid, Result} -> Result end || Pid <- [spawn_link(fun() -> Main ! {self(), Fun()} end) || Fun <- Funs]].

all_to_one(Senders, Each) ->
    Main = self(),
    [spawn_link(fun() -> [Main ! {number, S * N} || N <- lists:seq(1, Each)] end) || S <- lists:seq(1, Senders)],
    collect(Senders * Each, 0).

collect(0, Sum) -> Sum;
collect(Left, Sum) -> receive {number, N} -> collect(Left - 1, Sum + N) end.

binaries(Count) ->
    Main = self(),
    Sizes = [N * 997 || N <- lists:seq(1, Count)],
    Reader = spawn_link(fun() -> Main ! {crc, [receive {data, B} -> erlang:crc32(B) end || _ <- Sizes]} end),
    [Reader ! {data, binary:copy(<<Size:32>>, Size div 4)} || Size <- Sizes],
    receive {crc, Sums} -> erlang:phash2(Sums) end.

out_of_order(Count) ->
    Main = self(),
    spawn_link(fun() -> [Main ! {item, N, N * N} || N <- lists:seq(1, Count)] end),
    lists:foldl(fun(N, Sum) -> receive {item, N, Square} -> Sum + Square end end, 0, lists:seq(Count, 1, -1)).

tree(0) -> 1;
tree(Depth) ->
    lists:sum(parallel([fun() -> tree(Depth - 1) end || _ <- [left, right]])).
