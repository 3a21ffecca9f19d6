%% SPDX-License-Identifier: Apache-2.0
%% A ring of 10,000 processes: a token goes round 20 times, then 50 tokens at once; each process counts what it passed on.
-module(ring).
-export([main/0, benchmark/0]).

-define(SIZE, 10000).

main() ->
    Ring = make(?SIZE, self()),
    io:format("one token, 20 times round: ~p hops~n", [tokens(Ring, 1, 20)]),
    io:format("50 tokens, once round: ~p hops~n", [tokens(Ring, 50, 1)]),
    hd(Ring) ! {stop, 0},
    receive {stopped, Passed} -> io:format("passed on ~p messages~n", [Passed]) end,
    io:format("left: ~p~n", [[P || P <- Ring, wait_dead(P) =/= ok]]).

%% For bench/run.py: nanoseconds of a hop.
benchmark() ->
    Ring = make(?SIZE, self()),
    tokens(Ring, 1, 1),
    Start = erlang:monotonic_time(nanosecond),
    Hops = tokens(Ring, 1, 100),
    io:format("~.1f~n", [(erlang:monotonic_time(nanosecond) - Start) / Hops]).

make(Size, Main) ->
    Last = spawn_link(fun() -> first(Main) end),
    Ring = lists:foldl(fun(_, [Next | _] = All) -> [spawn_link(fun() -> node(Next, 0) end) | All] end, [Last], lists:seq(2, Size)),
    Last ! {next, hd(Ring)},
    Ring.

first(Main) ->
    receive {next, Next} -> first(Main, Next, 0) end.

%% The last process of the ring: closes it, and counts the rounds.
first(Main, Next, Passed) ->
    receive
        {token, 0, Hops} -> Main ! {home, Hops + 1}, first(Main, Next, Passed);
        {token, Rounds, Hops} -> Next ! {token, Rounds - 1, Hops + 1}, first(Main, Next, Passed + 1);
        {stop, Sum} -> Main ! {stopped, Sum + Passed}
    end.

node(Next, Passed) ->
    receive
        {token, Rounds, Hops} -> Next ! {token, Rounds, Hops + 1}, node(Next, Passed + 1);
        {stop, Sum} -> Next ! {stop, Sum + Passed}
    end.

tokens(Ring, Count, Rounds) ->
    [hd(Ring) ! {token, Rounds - 1, 0} || _ <- lists:seq(1, Count)],
    lists:sum([receive {home, Hops} -> Hops end || _ <- lists:seq(1, Count)]).

wait_dead(Pid) ->
    Monitor = monitor(process, Pid),
    receive {'DOWN', Monitor, process, Pid, _} -> ok end.
