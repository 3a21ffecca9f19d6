%% SPDX-License-Identifier: Apache-2.0
%% Timers never come early, come in order, can be cancelled and are not lost; time never goes back, whatever process and scheduler reads it.
-module(clocks).
-export([main/0]).

main() ->
    io:format("sleeps: ~p~n", [[in_time(N, fun() -> timer:sleep(N) end) || N <- [0, 1, 2, 5, 10, 50, 100]]]),
    io:format("after: ~p~n", [[in_time(N, fun() -> receive after N -> ok end end) || N <- [0, 1, 20]]]),
    io:format("5000 timers: ~p~n", [many(5000)]),
    Order = [30, 10, 40, 20, 50],
    [erlang:send_after(N * 10, self(), {due, N}) || N <- Order],
    io:format("order: ~p~n", [[receive {due, N} -> N end || _ <- Order]]),
    io:format("cancelled: ~p~n", [cancelled(1000)]),
    {ok, Interval} = timer:send_interval(10, tick),
    [receive tick -> ok end || _ <- lists:seq(1, 10)],
    {ok, cancel} = timer:cancel(Interval),
    io:format("ticks~n"),
    io:format("never back: ~p~n", [lists:usort(parallel([fun() -> forward(erlang:monotonic_time(), 50000) end || _ <- lists:seq(1, 8)]))]),
    Main = self(),
    io:format("across processes: ~p~n", [handed(spawn_link(fun() -> hand(Main) end), 2000)]),
    Drift = erlang:system_time(millisecond) - os:system_time(millisecond),
    io:format("system time: ~p~n", [abs(Drift) < 1000]),
    io:format("busy and waiting: ~p~n", [busy()]).

%% true if it took at least N ms, and not absurdly longer (the machine may be loaded).
in_time(N, Fun) ->
    Start = erlang:monotonic_time(microsecond),
    Fun(),
    Took = erlang:monotonic_time(microsecond) - Start,
    if Took < N * 1000 -> {early, Took}; Took > N * 1000 + 5000000 -> {late, Took}; true -> true end.

many(Count) ->
    Main = self(),
    [spawn_link(fun() ->
        Due = erlang:monotonic_time(millisecond) + N rem 300,
        erlang:start_timer(Due, self(), N, [{abs, true}]),
        receive {timeout, _, N} -> Main ! {N, erlang:monotonic_time(millisecond) >= Due} end
    end) || N <- lists:seq(1, Count)],
    length([N || N <- lists:seq(1, Count), receive {N, InTime} -> InTime end]).

cancelled(Count) ->
    Timers = [erlang:start_timer(100 + N rem 100, self(), gone) || N <- lists:seq(1, Count)],
    Left = [erlang:cancel_timer(T) || T <- Timers],
    timer:sleep(300),
    Came = fun Loop(N) -> receive {timeout, _, gone} -> Loop(N + 1) after 0 -> N end end,
    length([L || L <- Left, L =:= false]) =:= Came(0).

forward(_, 0) -> true;
forward(Last, N) ->
    case erlang:monotonic_time() of Now when Now >= Last -> forward(Now, N - 1); Now -> {back, Last - Now} end.

hand(Main) ->
    receive
        {time, Time} -> Main ! {time, erlang:monotonic_time() >= Time, erlang:monotonic_time()}, hand(Main);
        stop -> ok
    end.

handed(Pid, 0) -> Pid ! stop, true;
handed(Pid, N) ->
    Pid ! {time, erlang:monotonic_time()},
    receive {time, true, Time} -> case erlang:monotonic_time() >= Time of true -> handed(Pid, N - 1); false -> back end end.

%% A process that never waits does not keep another from its timer.
busy() ->
    Spinner = spawn_link(fun Loop() -> lists:seq(1, 100), Loop() end),
    Results = [in_time(10, fun() -> timer:sleep(10) end) || _ <- lists:seq(1, 20)],
    unlink(Spinner), exit(Spinner, kill),
    lists:usort(Results).

parallel(Funs) ->
    Main = self(),
    [receive {Pid, Result} -> Result end || Pid <- [spawn_link(fun() -> Main ! {self(), Fun()} end) || Fun <- Funs]].
